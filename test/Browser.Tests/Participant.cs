using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>One participant inside a harness page.</summary>
internal sealed record Participant(HarnessPage Page, string Key, string PeerId, int ToneHz)
{
    /// <summary>Waits until exactly these tones are heard, one a voice.</summary>
    public Task HearsExactlyAsync(params int[] tones) => Page.WaitAsync("hearsExactly", [Key, tones], this);

    /// <summary>The given tones that were heard at any time since the join.</summary>
    public Task<int[]> EverHeardAsync(params int[] tones) => Page.CallAsync<int[]>("everHeard", Key, tones);

    public Task SetPausedAtServerAsync(string kind, bool paused) => Page.CallAsync("setPausedAtServer", Key, kind, paused);

    public Task CloseProducerAsync(string kind) => Page.CallAsync("closeProducer", Key, kind);

    public Task RestartIceAsync() => Page.CallAsync("restartIce", Key);

    public Task BreakConnectionAsync() => Page.CallAsync("breakConnection", Key);

    public Task LeaveAsync() => Page.CallAsync("leave", Key);

    /// <summary>The payloads of the events of one name, in the order of their arrival.</summary>
    public async Task<JsonElement[]> EventsAsync(string name) =>
        [.. (await Page.CallAsync<JsonElement>("events", Key, name)).EnumerateArray()];

    public async Task<JsonElement[]> SeesAsync() => [.. (await Page.CallAsync<JsonElement>("sees", Key)).EnumerateArray()];

    public Task<JsonElement> ReportAsync() => Page.CallAsync<JsonElement>("report", Key);
}
