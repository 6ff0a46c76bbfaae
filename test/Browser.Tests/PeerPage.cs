using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>Peers (<c>/offer</c>, <c>/ws</c>) in a harness page: plain RTCPeerConnection, fetch and WebSocket.</summary>
internal static class PeerPage
{
    private static int _joined;

    /// <summary>Joins a room. With its socket the peer is offered each track of others; without, it hears the mix.</summary>
    public static async Task<PeerClient> JoinPeerAsync(this HarnessPage page, string room, int toneHz, bool socket = false, bool video = false)
    {
        var key = $"peer{Interlocked.Increment(ref _joined)}";
        PeerClient client = new(page, key);
        await page.CallAsync("peerJoin", key, new Dictionary<string, object>
        {
            ["server"] = page.Server,
            ["room"] = room,
            ["peer"] = $"{key}-{Guid.NewGuid():N}",
            ["toneHz"] = toneHz,
            ["socket"] = socket,
            ["video"] = video,
        });
        await page.WaitForAsync("peerIsConnected", [key], client.ReportAsync);
        return client;
    }
}

/// <summary>One peer inside a harness page.</summary>
internal sealed record PeerClient(HarnessPage Page, string Key)
{
    /// <summary>Waits until these tones and no others are heard, on whichever tracks.</summary>
    public Task HearsAsync(params int[] tones) => WaitAsync("peerHears", Key, tones);

    /// <summary>Waits until each of these tones is heard on a track of its own, and nothing else.</summary>
    public Task HearsApartAsync(params int[] tones) => WaitAsync("peerHearsApart", Key, tones);

    public Task SeesAsync(int pictures) => WaitAsync("peerSees", Key, pictures);

    /// <summary>The given tones that were heard at any time since the join.</summary>
    public Task<int[]> EverHeardAsync(params int[] tones) => Page.CallAsync<int[]>("peerEverHeard", Key, tones);

    /// <summary>What the last description says of the tracks: mix, loudest or track.</summary>
    public Task<string[]> SourcesAsync() => Page.CallAsync<string[]>("peerSources", Key);

    public Task CloseSocketAsync() => Page.CallAsync("peerCloseSocket", Key);

    public Task<JsonElement> ReportAsync() => Page.CallAsync<JsonElement>("peerReport", Key);

    private Task WaitAsync(string function, params object[] arguments) => Page.WaitForAsync(function, arguments, ReportAsync);
}
