using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>Clients of the voice service in a harness page: plain RTCPeerConnection and fetch.</summary>
internal static class VoicePage
{
    private static int _joined;

    /// <summary>Makes a channel; its id is the room's name.</summary>
    public static Task<string> CreateChannelAsync(this HarnessPage page) => page.CallAsync<string>("createChannel", page.Server, $"owner{Guid.NewGuid():N}");

    /// <summary>Joins a channel. Without slots the client hears the mix.</summary>
    public static async Task<VoiceClient> JoinVoiceAsync(
        this HarnessPage page, string channel, int? toneHz = null, double amplitude = 0.25, int slots = 0, bool speaksOnly = false, bool events = false, string? user = null, bool red = false)
    {
        var key = $"v{Interlocked.Increment(ref _joined)}";
        var options = new Dictionary<string, object>
        {
            ["server"] = page.Server,
            ["channel"] = channel,
            ["user"] = user ?? $"{key}-{Guid.NewGuid():N}",
            ["amplitude"] = amplitude,
            ["slots"] = slots,
            ["deafByOffer"] = speaksOnly,
            ["events"] = events,
            ["red"] = red,
        };
        if (toneHz is { } hz)
        {
            options["toneHz"] = hz;
        }

        var session = await page.CallAsync<string>("voiceJoin", key, options);
        var client = new VoiceClient(page, key, session);
        await page.WaitForAsync("voiceIsConnected", [key], () => client.ReportAsync());
        return client;
    }
}

/// <summary>One client of the voice service inside a harness page.</summary>
internal sealed record VoiceClient(HarnessPage Page, string Key, string SessionId)
{
    /// <summary>Waits until these tones and no others are heard, on whichever tracks.</summary>
    public Task HearsAsync(params int[] tones) => WaitAsync("voiceHears", Key, tones);

    /// <summary>Waits until each of these tones is heard on a track of its own, and nothing else.</summary>
    public Task HearsApartAsync(params int[] tones) => WaitAsync("voiceHearsApart", Key, tones);

    /// <summary>Waits until these tones were heard for a while, so that what else was heard is known as well.</summary>
    public Task HasHeardAsync(params int[] tones) => WaitAsync("voiceHasHeard", Key, tones);

    /// <summary>The given tones that were heard at any time since the join.</summary>
    public Task<int[]> EverHeardAsync(params int[] tones) => Page.CallAsync<int[]>("voiceEverHeard", Key, tones);

    public Task SetStateAsync(bool mute, bool deaf) => Page.CallAsync("voiceSetState", Key, mute, deaf);

    public Task AddSlotsAsync(int count) => Page.CallAsync("voiceAddSlots", Key, count);

    public Task RestartIceAsync() => Page.CallAsync("voiceRestartIce", Key);

    public Task LeaveAsync() => Page.CallAsync("voiceLeave", Key);

    public Task<string> RemoteFragmentAsync() => Page.CallAsync<string>("voiceRemoteFragment", Key);

    public Task HasEventsAsync(string type, int count) => WaitAsync("voiceHasEvents", Key, type, count);

    public async Task<JsonElement[]> EventsAsync(string type) => [.. (await Page.CallAsync<JsonElement>("voiceEvents", Key, type)).EnumerateArray()];

    /// <summary>What the answer says of the tracks: mix or loudest.</summary>
    public async Task<string[]> SourcesAsync() =>
        [.. (await Page.CallAsync<JsonElement>("voiceTracks", Key)).EnumerateArray().Select(t => t.GetProperty("source").GetString()!)];

    public Task<JsonElement> ReportAsync() => Page.CallAsync<JsonElement>("voiceReport", Key);

    private Task WaitAsync(string function, params object[] arguments) => Page.WaitForAsync(function, arguments, ReportAsync);
}
