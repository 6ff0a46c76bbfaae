using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

public sealed class PeerSocketTests(PeersApp app) : IClassFixture<PeersApp>
{
    private readonly string _room = $"room-{Guid.NewGuid():N}";

    [Fact]
    public async Task Offer_WithOneSection_HearsTheMixAndWithMoreTheLoudest()
    {
        var one = await OfferAsync("one", "sendrecv");
        Assert.Equal(["mix"], one.GetProperty("tracks").EnumerateArray().Select(t => t.GetProperty("source").GetString()));
        var slots = await OfferAsync("slots", "sendonly", "recvonly", "recvonly");
        Assert.Equal(["loudest", "loudest"], slots.GetProperty("tracks").EnumerateArray().Select(t => t.GetProperty("source").GetString()));
    }

    [Fact]
    public async Task Offer_WithoutAnOpusLibrary_IsAnsweredWithoutTheMix()
    {
        app.Node.HasNoMix = true;
        var answer = await OfferAsync("quiet", "sendrecv");
        app.Node.HasNoMix = false;

        Assert.Empty(answer.GetProperty("tracks").EnumerateArray());
        Assert.Contains("a=recvonly", answer.GetProperty("sdp").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.JoinAsync), false)]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.JoinAsync), true)]
    [InlineData(typeof(IRoomGrain), nameof(IRoomGrain.CreateTransportAsync), true)]
    [InlineData(typeof(IPeerGrain), nameof(IPeerGrain.OfferAsync), false)]
    [InlineData(typeof(IPeerGrain), nameof(IPeerGrain.OfferAsync), true)]
    public async Task Offer_SiloIsLostBeforeItAnswers_IsAskedOfTheNextAndJoinsOnce(Type grain, string method, bool hasRun)
    {
        app.Losses.Lose(grain, method, hasRun, times: 2);

        var answer = await OfferAsync($"peer-{Guid.NewGuid():N}", "sendrecv");

        Assert.True(app.Losses.IsOver);
        Assert.Equal(["mix"], answer.GetProperty("tracks").EnumerateArray().Select(t => t.GetProperty("source").GetString()));
        Assert.Single((await app.Grains.GetGrain<IRoomGrain>(_room).GetSnapshotAsync()).Participants);
    }

    [Fact]
    public async Task NewTrack_OfAnother_IsOfferedAndFlowsOnceItIsAnswered()
    {
        // A peer of the same name would be the same user, wherever another test left it.
        var (ears, voice) = ($"ears-{Guid.NewGuid():N}", $"voice-{Guid.NewGuid():N}");
        await using var socket = await app.ConnectAsync($"/ws?peerID={ears}&room={_room}");
        await OfferAsync(ears, "sendrecv");
        Assert.Equal(_room, (await socket.NextAsync("room")).GetProperty("data").GetProperty("room").GetString());

        await OfferAsync(voice, "sendrecv");
        Assert.Equal(voice, (await socket.NextAsync("peer-joined")).GetProperty("data").GetProperty("userId").GetString());
        var offer = await socket.NextAsync("offer");

        var track = Assert.Single(offer.GetProperty("tracks").EnumerateArray(), t => t.GetProperty("source").GetString() == "track");
        Assert.Equal(("t0", voice, "audio"), (track.GetProperty("mid").GetString(), track.GetProperty("userId").GetString(), track.GetProperty("kind").GetString()));
        Assert.Contains("BUNDLE 0 t0", offer.GetProperty("sdp").GetString(), StringComparison.Ordinal);
        var consumer = Commands().OfType<CreateConsumer>().Single();
        Assert.True(consumer.Paused);

        await socket.SendAsync(new { type = "answer", sdp = Answer(offer) });
        await Eventually.TrueAsync(
            () => Task.FromResult(Commands().OfType<SetConsumerPaused>().Any(c => c.ConsumerId == consumer.ConsumerId && !c.Paused)), "the track flows");
        var mix = Commands().OfType<CreateMixConsumer>().First();
        await Eventually.TrueAsync(
            () => Task.FromResult(Commands().OfType<SetConsumerPaused>().LastOrDefault(c => c.ConsumerId == mix.ConsumerId) is { Paused: true }), "the mix is held back");
    }

    [Fact]
    public async Task Track_ThatEnds_IsOfferedAwayAndItsSectionUsedAgain()
    {
        await using var socket = await app.ConnectAsync($"/ws?peerID=ears&room={_room}");
        await OfferAsync("ears", "sendrecv");
        await OfferAsync("first", "sendrecv");
        await socket.SendAsync(new { type = "answer", sdp = Answer(await socket.NextAsync("offer")) });

        await app.DoAsync(200, "DELETE", $"/offer?peerID=first&room={_room}");
        var away = await socket.NextAsync("offer");
        Assert.DoesNotContain(away.GetProperty("tracks").EnumerateArray(), t => t.GetProperty("source").GetString() == "track");
        Assert.Contains("a=inactive", away.GetProperty("sdp").GetString(), StringComparison.Ordinal);
        await socket.SendAsync(new { type = "answer", sdp = Answer(away) });

        await OfferAsync("second", "sendrecv");
        var again = await socket.NextAsync("offer");
        var track = Assert.Single(again.GetProperty("tracks").EnumerateArray(), t => t.GetProperty("source").GetString() == "track");
        Assert.Equal(("t0", "second"), (track.GetProperty("mid").GetString(), track.GetProperty("userId").GetString()));
    }

    [Fact]
    public async Task Connection_ThatEnds_BringsTheMixBack()
    {
        var socket = await app.ConnectAsync($"/ws?peerID=ears&room={_room}");
        await OfferAsync("ears", "sendrecv");
        await OfferAsync("voice", "sendrecv");
        await socket.SendAsync(new { type = "answer", sdp = Answer(await socket.NextAsync("offer")) });
        var mix = Commands().OfType<CreateMixConsumer>().First().ConsumerId;
        await Eventually.TrueAsync(() => Task.FromResult(Commands().OfType<SetConsumerPaused>().Any(c => c.ConsumerId == mix && c.Paused)), "the mix is held back");

        await socket.DisposeAsync();

        await Eventually.TrueAsync(
            () => Task.FromResult(Commands().OfType<SetConsumerPaused>().Last(c => c.ConsumerId == mix) is { Paused: false }), "the mix flows again");
    }

    [Fact]
    public async Task Connection_OfTheSamePeer_ReplacesTheOlder()
    {
        await using var older = await app.ConnectAsync($"/ws?peerID=twice&room={_room}");
        await OfferAsync("twice", "sendrecv");
        await older.NextAsync("room");
        await using var newer = await app.ConnectAsync($"/ws?peerID=twice&room={_room}");
        await newer.NextAsync("room");

        while ((await older.NextAsync()).ValueKind != JsonValueKind.Undefined)
        {
            // What it was told before its end.
        }

        Assert.Equal((WebSocketCloseStatus)4409, older.CloseStatus);
    }

    [Fact]
    public async Task Offer_OverTheSocket_IsAnsweredThere()
    {
        await using var socket = await app.ConnectAsync($"/ws?peerID=talks&room={_room}");
        await socket.SendAsync(new { type = "offer", sdp = VoiceOffers.Of("sendrecv") });
        Assert.Equal("talks", (await socket.NextAsync("answer")).GetProperty("peerId").GetString());
        await socket.SendAsync(new { type = "leave" });
        Assert.Equal("left", (await socket.NextAsync("left")).GetProperty("data").GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("nonsense", 400)]
    [InlineData("[]", 400)]
    [InlineData("""{"type":7}""", 400)]
    [InlineData("""{"type":"dance"}""", 400)]
    [InlineData("""{"type":"offer"}""", 400)]
    [InlineData("""{"type":"offer","sdp":"v=0"}""", 400)]
    [InlineData("""{"type":"answer","sdp":"v=0"}""", 409)]
    [InlineData("""{"type":"candidate","candidate":{"candidate":7}}""", 400)]
    public async Task Message_ThatIsWrong_GetsAnErrorAndTheConnectionStays(string message, int status)
    {
        await using var socket = await app.ConnectAsync($"/ws?peerID=wrong&room={_room}");
        await socket.SendAsync(message);
        Assert.Equal(status, (await socket.NextAsync("error")).GetProperty("status").GetInt32());
        await socket.SendAsync(new { type = "ping" });
        await socket.NextAsync("pong");
    }

    [Fact]
    public async Task Offer_ForAnotherRoom_LeavesTheFirst()
    {
        await using var witness = await app.ConnectAsync($"/ws?peerID=witness&room={_room}");
        await OfferAsync("witness", "sendrecv");
        await OfferAsync("mover", "sendrecv");
        await app.PostAsync($"/offer?peerID=mover&room={_room}-2", new { type = "offer", sdp = VoiceOffers.Of("sendrecv") });
        Assert.Equal("mover", (await witness.NextAsync("peer-left")).GetProperty("data").GetProperty("userId").GetString());
    }

    /// <summary>What a browser answers: it begins DTLS, and takes what is sent.</summary>
    private static string Answer(JsonElement offer)
    {
        var sdp = offer.GetProperty("sdp").GetString()!
            .Replace("a=setup:actpass", "a=setup:active", StringComparison.Ordinal)
            .Replace("a=ice-lite\r\n", "", StringComparison.Ordinal)
            .Replace("a=sendonly", "a=taken", StringComparison.Ordinal)
            .Replace("a=recvonly", "a=sendonly", StringComparison.Ordinal)
            .Replace("a=taken", "a=recvonly", StringComparison.Ordinal);
        sdp = Regex.Replace(sdp, "a=ice-ufrag:.*\r\n", "a=ice-ufrag:4ZcD\r\n");
        sdp = Regex.Replace(sdp, "a=ice-pwd:.*\r\n", "a=ice-pwd:2/1muCWoOi3uLifh0NuRHlYT\r\n");
        return Regex.Replace(
            sdp,
            "a=fingerprint:.*\r\n",
            "a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24\r\n");
    }

    private MediaCommand[] Commands() => [.. app.Node.Commands.Where(c => c.Room == _room).Select(c => c.Command)];

    private Task<JsonElement> OfferAsync(string peer, params string[] directions) =>
        app.PostAsync($"/offer?peerID={peer}&room={_room}", new { type = "offer", sdp = VoiceOffers.Of(directions) });
}
