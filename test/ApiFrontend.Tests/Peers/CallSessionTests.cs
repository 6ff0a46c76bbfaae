using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.ApiFrontend.Tests.Voice;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

public sealed class CallSessionTests(PeersApp app) : IClassFixture<PeersApp>
{
    [Fact]
    public async Task Roles_DecideWhoMayDoWhat()
    {
        var call = await CallAsync("host", "mod", "ann", "bob");
        await app.PostAsync("/call/role", new { sessionId = call, participantId = "ann", targetId = "mod", role = "moderator" }, 403);
        await app.PostAsync("/call/role", new { sessionId = call, participantId = "host", targetId = "mod", role = "moderator" });
        await app.PostAsync("/call/role", new { sessionId = call, participantId = "host", targetId = "ann", role = "emperor" }, 400);
        await app.PostAsync("/call/role", new { sessionId = call, participantId = "host", targetId = "nobody", role = "moderator" }, 404);

        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "ann", targetId = "bob" }, 403);
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "mod", targetId = "host" }, 403);
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "mod", targetId = "bob" });
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "ann" });
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "ann", targetId = "bob", quality = 10 }, 403);
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "ann", quality = 101 }, 400);
        await app.PostAsync("/call/recording/start", new { sessionId = call, participantId = "ann" }, 403);
        await app.PostAsync("/call/recording/stop", new { sessionId = call, participantId = "mod" }, 409);
        await app.PostAsync("/call/kick", new { sessionId = call, participantId = "mod", targetId = "bob" });
        await app.PostAsync("/call/join", new { sessionId = call, participantId = "bob" }, 403);
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "stranger" }, 403);

        var details = await app.DoAsync(200, "GET", $"/call/session/{call}?userID=ann");
        Assert.Equal(["host host False", "mod moderator False", "ann participant True"], Participants(details));
        await app.DoAsync(403, "GET", $"/call/session/{call}?userID=stranger");
    }

    [Fact]
    public async Task Leave_OfTheHost_HandsOverAndTheLastOneEndsTheCall()
    {
        var call = await CallAsync("host", "ann", "bob");
        await app.PostAsync("/call/role", new { sessionId = call, participantId = "host", targetId = "bob", role = "moderator" });

        await app.PostAsync("/call/leave", new { sessionId = call, participantId = "host" });
        Assert.Equal(["ann participant False", "bob host False"], Participants(await app.DoAsync(200, "GET", $"/call/session/{call}")));
        await app.PostAsync("/call/leave", new { sessionId = call, participantId = "ann" });
        var over = await app.PostAsync("/call/leave", new { sessionId = call, participantId = "bob" });

        Assert.Equal(("ended", "empty"), (over.GetProperty("status").GetString(), over.GetProperty("endReason").GetString()));
        await app.PostAsync("/call/join", new { sessionId = call, participantId = "carol" }, 410);
        await app.DoAsync(200, "GET", $"/call/session/{call}?userID=host");
    }

    [Fact]
    public async Task Call_PastItsDuration_IsGoneAndItsRoomIsEmpty()
    {
        var call = (await app.PostAsync("/call/session", new { creatorId = "ann", duration = 2_000_000_000L })).GetProperty("id").GetString()!;
        await OfferAsync("ann", call, "sendrecv");

        await Eventually.TrueAsync(
            async () => (await app.AskAsync("POST", "/call/mute", JsonSerializer.Serialize(new { sessionId = call, participantId = "ann" }))).Status == 410,
            "the call is over");
        await app.PostAsync($"/offer?peerID=ann&room={call}", new { type = "offer", sdp = VoiceOffers.Of("sendrecv") }, 410);
        await Eventually.TrueAsync(
            async () => (await app.AskAsync("POST", "/ice-candidate?peerID=ann", """{"candidate":""}""")).Status == 404, "the peer was put out");
    }

    [Fact]
    public async Task Room_OfACall_LetsInParticipantsAlone()
    {
        var call = await CallAsync("ann", "bob");
        object Offer() => new { type = "offer", sdp = VoiceOffers.Of("sendrecv") };

        await app.PostAsync($"/offer?peerID=eve&room={call}", Offer(), 403);
        await app.PostAsync($"/offer?peerID=eve&room=call_{Guid.NewGuid():N}", Offer(), 404);
        await app.PostAsync($"/offer?peerID=bob&room={call}", Offer());
        await app.PostAsync("/call/kick", new { sessionId = call, participantId = "ann", targetId = "bob" });

        await Eventually.TrueAsync(
            async () => (await app.AskAsync("POST", "/ice-candidate?peerID=bob", """{"candidate":""}""")).Status == 404, "bob's peer was put out");
        await app.PostAsync($"/offer?peerID=bob&room={call}", Offer(), 403);
    }

    [Fact]
    public async Task Mute_OfAParticipant_ReachesTheMediaNodeAlsoForOneWhoComesLater()
    {
        var call = await CallAsync("host", "ann", "bob");
        await OfferAsync("ann", call, "sendrecv");
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "host", targetId = "ann" });
        Assert.Contains(CommandsOf(call), c => c is SetProducerPaused { Paused: true });

        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "bob" });
        await OfferAsync("bob", call, "sendrecv");

        Assert.True(CommandsOf(call).OfType<CreateProducer>().Last().Paused);
        await app.PostAsync("/call/mute", new { sessionId = call, participantId = "bob", muted = false });
        Assert.False(CommandsOf(call).OfType<SetProducerPaused>().Last().Paused);
    }

    [Fact]
    public async Task Quality_OfAParticipant_LimitsItsTransportAtTheMediaNode_AlsoOneThatComesLater()
    {
        var call = await CallAsync("host", "ann", "bob");
        await OfferAsync("ann", call, "sendrecv");
        var transport = CommandsOf(call).OfType<CreateWebRtcTransport>().Single();
        Assert.Null(transport.MaxVideoBitrate);

        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "host", targetId = "ann", quality = 40 });
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "bob", quality = "low" });
        Assert.Equal([new SetMaxVideoBitrate(transport.TransportId, 2_000_000)], CommandsOf(call).OfType<SetMaxVideoBitrate>());

        await OfferAsync("bob", call, "sendrecv");
        Assert.Equal(1_250_000, CommandsOf(call).OfType<CreateWebRtcTransport>().Last().MaxVideoBitrate);
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "ann", quality = 0 });
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "ann", quality = 1 });
        await app.PostAsync("/call/quality", new { sessionId = call, participantId = "ann", quality = 100 });
        Assert.Equal(
            [2_000_000, null, 250_000, null],
            CommandsOf(call).OfType<SetMaxVideoBitrate>().Where(c => c.TransportId == transport.TransportId).Select(c => c.Bitrate));
    }

    [Fact]
    public async Task Notifications_OfACall_TellWhatHappens()
    {
        await using var host = await app.ConnectAsync("/chat/notifications?userID=told-host");
        await host.NextAsync("ready");
        var call = await CallAsync("told-host", "ann");
        await app.PostAsync("/call/kick", new { sessionId = call, participantId = "told-host", targetId = "ann" });

        foreach (var (change, who) in new[] { ("joined", "ann"), ("kicked", "ann") })
        {
            var told = await host.NextAsync("call");
            Assert.Equal((call, change, who), (told.GetProperty("sessionId").GetString(), told.GetProperty("data").GetProperty("event").GetString(), told.GetProperty("data").GetProperty("participantId").GetString()));
        }
    }

    [Fact]
    public async Task Recording_OfACall_IsListedAndServedWithRanges()
    {
        byte[] content = [.. Enumerable.Range(0, 1_000).Select(i => (byte)i)];
        await using var node = await FileNode.StartAsync(content);
        var call = await CallAsync("host", "ann");
        await OfferAsync("host", call, "sendrecv");
        var recording = (await app.PostAsync("/call/recording/start", new { sessionId = call, participantId = "host" })).GetProperty("id").GetString()!;
        await app.PostAsync("/call/recording/start", new { sessionId = call, participantId = "host" }, 409);
        RecordingFile file = new(
            "mix.ogg", RecordingFileKind.Mix, null, null, null, "audio/ogg", content.Length, TimeSpan.FromSeconds(2), DateTimeOffset.UtcNow, true, "n", $"{node.Url}/mix.ogg");
        RecordingFile gone = file with { Name = "ann.ogg", Kind = RecordingFileKind.Audio, UserText = "\"ann\"", Url = $"{node.Url}/none" };
        var reported = await app.Grains.GetGrain<IRecordingGrain>(Guid.ParseExact(recording["rec_".Length..], "N"))
            .ReportAsync(new RecordingReport(new MediaNodeId("n", Guid.NewGuid()), RecordingStatus.Recording, null, [file, gone]));
        Assert.Null(reported.Fault);
        var stopped = await app.PostAsync("/call/recording/stop", new { sessionId = call, participantId = "host" });
        Assert.Equal("stopped", stopped.GetProperty("status").GetString());

        var listed = Assert.Single((await app.DoAsync(200, "GET", $"/call/recordings/{call}?userID=ann")).EnumerateArray());
        var url = listed.GetProperty("files")[0].GetProperty("url").GetString()!;
        Assert.Equal(content, await app.Http.GetByteArrayAsync(url));
        using HttpRequestMessage part = new(HttpMethod.Get, $"{url}?userID=ann");
        part.Headers.Range = new(100, 199);
        using var partial = await app.Http.SendAsync(part);
        Assert.Equal((HttpStatusCode.PartialContent, "audio/ogg", "bytes 100-199/1000"), (
            partial.StatusCode, partial.Content.Headers.ContentType?.MediaType, partial.Content.Headers.ContentRange?.ToString()));
        Assert.Equal(content[100..200], await partial.Content.ReadAsByteArrayAsync());
        using HttpRequestMessage past = new(HttpMethod.Get, url);
        past.Headers.Range = new(5_000, 6_000);
        using var none = await app.Http.SendAsync(past);
        Assert.Equal((HttpStatusCode)416, none.StatusCode);

        await app.DoAsync(403, "GET", $"{url}?userID=eve");
        await app.DoAsync(404, "GET", url.Replace("mix.ogg", "other.ogg", StringComparison.Ordinal));
        await app.DoAsync(404, "GET", url.Replace("mix.ogg", "..%2Fmix.ogg", StringComparison.Ordinal));
        await app.DoAsync(404, "GET", url.Replace("mix.ogg", "ann.ogg", StringComparison.Ordinal));
        Assert.Equal("ann", listed.GetProperty("files")[1].GetProperty("participantId").GetString());
    }

    [Fact]
    public async Task Recording_IsDeletedByTheHost_AlsoAtItsNode_AndByNobodyElse()
    {
        await using var node = await FileNode.StartAsync([1, 2, 3]);
        var call = await CallAsync("deleter", "ann", "bob");
        await OfferAsync("deleter", call, "sendrecv");
        var recording = (await app.PostAsync("/call/recording/start", new { sessionId = call, participantId = "deleter" })).GetProperty("id").GetString()!;
        var id = Guid.ParseExact(recording["rec_".Length..], "N");
        RecordingFile file = new(
            "mix.ogg", RecordingFileKind.Mix, null, null, null, "audio/ogg", 3, TimeSpan.FromSeconds(2), DateTimeOffset.UtcNow, true, "n", $"{node.Url}/recordings/{id:N}/mix.ogg");
        await app.Grains.GetGrain<IRecordingGrain>(id).ReportAsync(new RecordingReport(new MediaNodeId("n", Guid.NewGuid()), RecordingStatus.Recording, null, [file]));
        var path = $"/call/recordings/{call}/{recording}";

        await app.DoAsync(409, "DELETE", $"{path}?userID=deleter");
        await app.PostAsync("/call/recording/stop", new { sessionId = call, participantId = "deleter" });
        await app.DoAsync(400, "DELETE", path);
        await app.DoAsync(403, "DELETE", $"{path}?userID=ann");
        await app.DoAsync(403, "DELETE", $"{path}?userID=eve");
        await app.DoAsync(404, "DELETE", $"/call/recordings/{call}/rec_00000000000040008000000000000000?userID=deleter");

        // The one who started it, when the session is over.
        foreach (var leaver in (string[])["bob", "ann", "deleter"])
        {
            await app.PostAsync("/call/leave", new { sessionId = call, participantId = leaver });
        }

        await app.DoAsync(200, "DELETE", $"{path}?userID=deleter");
        Assert.Equal([$"/recordings/{id:N}"], node.Deleted);
        await app.DoAsync(404, "DELETE", $"{path}?userID=deleter");
        Assert.Empty((await app.DoAsync(200, "GET", $"/call/recordings/{call}?userID=ann")).EnumerateArray());
        await app.DoAsync(404, "GET", $"{path}/mix.ogg?userID=ann");
    }

    private static IEnumerable<string> Participants(JsonElement session) => session.GetProperty("participants").EnumerateArray()
        .Select(p => $"{p.GetProperty("id").GetString()} {p.GetProperty("role").GetString()} {p.GetProperty("muted").GetBoolean()}");

    private MediaCommand[] CommandsOf(string room) => [.. app.Node.Commands.Where(c => c.Room == room).Select(c => c.Command)];

    private async Task<string> CallAsync(string host, params string[] others)
    {
        var call = (await app.PostAsync("/call/session", new { creatorId = host, type = "video", quality = 100, duration = 3_600_000_000_000L })).GetProperty("id").GetString()!;
        foreach (var other in others)
        {
            await app.PostAsync("/call/join", new { sessionId = call, participantId = other });
        }

        return call;
    }

    private Task<JsonElement> OfferAsync(string peer, string room, params string[] directions) =>
        app.PostAsync($"/offer?peerID={peer}&room={room}", new { type = "offer", sdp = VoiceOffers.Of(directions) });

    /// <summary>A media node's file server with ranges.</summary>
    private sealed class FileNode(WebApplication server) : IAsyncDisposable
    {
        public string Url => server.Urls.First();

        /// <summary>What it was asked to delete.</summary>
        public ConcurrentQueue<string> Deleted { get; private init; } = [];

        public static async Task<FileNode> StartAsync(byte[] content)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            ConcurrentQueue<string> deleted = [];
            app.Run(context => context.Request.Method == "DELETE" ? DeleteAsync(context) : context.Request.Path == "/mix.ogg"
                ? Results.Bytes(content, "application/octet-stream", enableRangeProcessing: true).ExecuteAsync(context)
                : Results.NotFound().ExecuteAsync(context));
            await app.StartAsync();
            return new FileNode(app) { Deleted = deleted };

            Task DeleteAsync(HttpContext context)
            {
                deleted.Enqueue(context.Request.Path);
                context.Response.StatusCode = 204;
                return Task.CompletedTask;
            }
        }

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }
}
