using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// One conversation through all doors at once: a mediasoup client, a client of <c>/voice</c>, a peer of <c>/offer</c>, and two
/// native clients over UDP, of which one has each voice by itself and the other the mix. Each sends a tone of its own.
/// </summary>
[Collection(ClusterGroup.Name)]
public sealed class OneRoomTests(ClusterFixture cluster, ITestOutputHelper output)
{
    // No sum and difference of these (up to the third order, as a limiter makes them) is near one of them.
    private const int Mediasoup = 440;
    private const int Voice = 640;
    private const int Peer = 1_010;
    private const int Forwarded = 1_490;
    private const int Mixed = 2_090;

    private const double Heard = 0.05;
    private const double NotHeard = 0.02;

    private static readonly int[] All = [Mediasoup, Voice, Peer, Forwarded, Mixed];

    /// <param name="slots">The voice client hears the mix, or so many of the loudest each by itself.</param>
    /// <param name="socket">The peer is offered each track by the server, or hears the mix.</param>
    /// <param name="node">The peer is libwebrtc for Node, or Chromium.</param>
    [Theory]
    [InlineData(0, true, false)]
    [InlineData(4, false, false)]
    [InlineData(4, true, true)]
    public async Task Room_OfOneClientADoor_EachHearsAllOthersAndNotItself(int slots, bool socket, bool node)
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        await using var third = await cluster.OpenHarnessAsync();
        var room = await first.CreateChannelAsync();
        var mediasoup = await first.JoinAsync(room, Mediasoup);
        await using var forwarded = await NativeClient.JoinAsync(cluster.Server, room, $"forwarded-{Guid.NewGuid():N}"[..20], Forwarded);
        var voice = await second.JoinVoiceAsync(room, Voice, slots: slots);
        await using var mixed = await NativeClient.JoinAsync(cluster.Server, room, $"mixed-{Guid.NewGuid():N}"[..20], Mixed, "--mode", "mix");
        await using var nodePeer = node ? await NodeParticipant.JoinPeerAsync(cluster.Server.Url, room, Peer, All, socket) : null;
        var peer = node ? null : await third.JoinPeerAsync(room, Peer, socket);

        await mediasoup.HearsExactlyAsync(Except(Mediasoup));
        await (slots > 0 ? voice.HearsApartAsync(Except(Voice)) : voice.HearsAsync(Except(Voice)));
        if (peer is not null)
        {
            await (socket ? peer.HearsApartAsync(Except(Peer)) : peer.HearsAsync(Except(Peer)));
            Assert.Equal(socket ? 4 : 0, (await peer.SourcesAsync()).Count(s => s == "track"));
        }

        if (nodePeer is not null)
        {
            await nodePeer.HearsExactlyAsync(Except(Peer));
        }

        Assert.Equal(slots > 0 ? Enumerable.Repeat("loudest", slots) : ["mix"], await voice.SourcesAsync());

        // Everybody speaks by now: some seconds more are what the native clients are judged by.
        await forwarded.HasHeardAsync(3);
        await mixed.HasHeardAsync(3);
        Assert.Empty(await mediasoup.EverHeardAsync(Mediasoup));
        Assert.Empty(await voice.EverHeardAsync(Voice));
        Assert.Empty(peer is null ? [] : await peer.EverHeardAsync(Peer));
        Assert.Equal(4, (await EndAsync(forwarded, Forwarded)).Heard.Length);
        Assert.Equal([Guid.Empty], (await EndAsync(mixed, Mixed)).Heard);
    }

    private static int[] Except(int own) => [.. All.Where(t => t != own)];

    private async Task<NativeSummary> EndAsync(NativeClient client, int own)
    {
        var (summary, heard) = await client.EndAsync();
        var amplitudes = All.ToDictionary(t => t, t => NativeClient.Loudness(heard, t));
        output.WriteLine($"{own} Hz hears {string.Join(", ", amplitudes.Select(a => $"{a.Key} Hz {a.Value:F4}"))}; sent {summary.Sent}, received {summary.Received}, lost {summary.Lost}");
        Assert.All(Except(own), t => Assert.True(amplitudes[t] > Heard, $"{t} Hz: {amplitudes[t]}"));
        Assert.True(amplitudes[own] < NotHeard, $"its own {own} Hz: {amplitudes[own]}");
        return summary;
    }
}
