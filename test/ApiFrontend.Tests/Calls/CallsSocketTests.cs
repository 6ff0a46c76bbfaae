using System.Net.WebSockets;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.Calls;

public sealed class CallsSocketTests(CallsApp app) : IClassFixture<CallsApp>
{
    [Fact]
    public async Task Call_AsTheDocumentedClientDoesIt_RingsNegotiatesAndEnds()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        await using var a = await alice.ConnectAsync();
        await using var b = await bob.ConnectAsync();
        var id = await StartAsync(alice, bob);
        var ringing = await b.NextAsync("call:initiate");
        Assert.Equal(id, ringing.GetProperty("call_id").GetGuid());
        Assert.Equal(alice.Name, ringing.GetProperty("caller_name").GetString());

        // The documented client sends its offer right after the call was made, before the answer.
        await a.SendAsync("call:webrtc:offer", id, ""","offer":{"type":"offer","sdp":"v=0\r\n"}""");
        await a.SendAsync("call:webrtc:candidate", id, ""","candidate":{"candidate":"c1","sdpMid":"0","sdpMLineIndex":0}""");
        await a.SendAsync("""{"type":"ping"}""");
        await a.NextAsync("pong");
        Assert.Equal(200, (await bob.SendAsync("PATCH", $"/api/v1/calls/{id}", """{"accept":true}""")).Status);

        Assert.Equal("accepted", (await a.NextAsync("call:accepted")).GetProperty("status").GetString());
        var offer = await b.NextAsync("call:webrtc:offer");
        Assert.Equal("v=0\r\n", offer.GetProperty("offer").GetProperty("sdp").GetString());
        Assert.Equal(alice.Id, offer.GetProperty("from").GetGuid());
        Assert.Equal("c1", (await b.NextAsync("call:webrtc:candidate")).GetProperty("candidate").GetProperty("candidate").GetString());
        await b.SendAsync("call:webrtc:answer", id, ""","answer":{"type":"answer","sdp":"v=0"}""");
        Assert.Equal("v=0", (await a.NextAsync("call:webrtc:answer")).GetProperty("answer").GetProperty("sdp").GetString());

        await a.SendAsync("call:connected", id);
        Assert.Equal("active", (await a.NextAsync("call:connected")).GetProperty("status").GetString());
        await b.NextAsync("call:connected");
        await b.SendAsync("call:hangup", id);
        var ended = await a.NextAsync("call:ended");
        Assert.Equal(("ended", "hung_up", bob.Id), (ended.GetProperty("status").GetString(), ended.GetProperty("end_reason").GetString(), ended.GetProperty("ended_by").GetGuid()));
        await b.NextAsync("call:ended");
    }

    [Fact]
    public async Task Accept_OverOneOfTwoSockets_TheOtherHearsAnsweredElsewhere()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        await using var first = await bob.ConnectAsync();
        await using var second = await bob.ConnectAsync();
        var id = await StartAsync(alice, bob);
        await first.NextAsync("call:initiate");
        await second.NextAsync("call:initiate");

        await second.SendAsync("call:accept", id);

        await first.NextAsync("call:answered_elsewhere");
        await alice.SendAsync("DELETE", $"/api/v1/calls/{id}");
        await second.NextAsync("call:ended");
        await first.NextAsync("call:ended");
    }

    [Fact]
    public async Task Accept_OverRestWithADevice_TheOtherDeviceHearsAnsweredElsewhere()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        await using var phone = await bob.ConnectAsync("&device=phone");
        await using var laptop = await bob.ConnectAsync("&device=laptop");
        var id = await StartAsync(alice, bob);
        await phone.NextAsync("call:initiate");
        await laptop.NextAsync("call:initiate");

        await bob.SendAsync("PATCH", $"/api/v1/calls/{id}", """{"accept":true,"device":"phone"}""");

        await laptop.NextAsync("call:answered_elsewhere");
        await alice.SendAsync("DELETE", $"/api/v1/calls/{id}");
        await phone.NextAsync("call:ended");
    }

    [Fact]
    public async Task Reject_AndBusy_AreToldToTheCaller()
    {
        var (alice, bob, carol) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        await using var a = await alice.ConnectAsync();
        await using var c = await carol.ConnectAsync();
        var id = await StartAsync(alice, bob);
        await StartAsync(carol, bob);
        await c.NextAsync("call:busy");

        await bob.SendAsync("PATCH", $"/api/v1/calls/{id}", """{"accept":false}""");

        Assert.Equal("rejected", (await a.NextAsync("call:rejected")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Signals_ThousandCandidates_ArriveInOrder()
    {
        var (alice, bob) = (await app.UserAsync(), await app.UserAsync());
        await using var a = await alice.ConnectAsync();
        await using var b = await bob.ConnectAsync();
        var id = await StartAsync(alice, bob);
        await b.NextAsync("call:initiate");
        await b.SendAsync("call:accept", id);
        await a.NextAsync("call:accepted");

        for (var i = 0; i < 1_000; i++)
        {
            await a.SendAsync("call:webrtc:candidate", id, $$""","candidate":{"n":{{i}}}""");
        }

        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal(i, (await b.NextAsync("call:webrtc:candidate")).GetProperty("candidate").GetProperty("n").GetInt32());
        }
    }

    [Fact]
    public async Task Errors_EveryRow_HaveTheirCodeAndTheConnectionStays()
    {
        var (alice, bob, eve) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        await using var b = await bob.ConnectAsync();
        await using var e = await eve.ConnectAsync();
        var id = await StartAsync(alice, bob);
        await b.NextAsync("call:initiate");

        await e.SendAsync("not json");
        await e.ErrorAsync("INVALID_MESSAGE");
        await e.SendAsync("""{"type":"call:unknown","data":{}}""");
        await e.ErrorAsync("UNKNOWN_TYPE");
        await e.SendAsync("""{"type":"call:hangup","data":{"call_id":"x"}}""");
        await e.ErrorAsync("INVALID_CALL_ID");
        await e.SendAsync("call:hangup", Guid.NewGuid());
        await e.ErrorAsync("CALL_NOT_FOUND");
        await e.SendAsync("call:hangup", id);
        await e.ErrorAsync("NOT_A_MEMBER");
        await e.SendAsync("call:webrtc:offer", id, ""","offer":{}""");
        await e.ErrorAsync("NOT_A_MEMBER");
        await b.SendAsync("call:webrtc:offer", id);
        await b.ErrorAsync("INVALID_MESSAGE");
        await b.SendAsync("call:webrtc:offer", id, ""","offer":{}""");
        await b.ErrorAsync("CALL_NOT_ACCEPTED");
        await b.SendAsync("call:connected", id);
        await b.ErrorAsync("CALL_NOT_ACCEPTED");
        await b.SendAsync("call:accept", id);
        await b.SendAsync("call:accept", id);
        await b.ErrorAsync("CALL_ANSWERED");
        await b.SendAsync("call:hangup", id);
        await b.NextAsync("call:ended");
        await b.SendAsync("call:webrtc:answer", id, ""","answer":{}""");
        await b.ErrorAsync("CALL_EXPIRED");
    }

    [Fact]
    public async Task Message_OverTheLimit_ClosesTheSocketAlone()
    {
        var alice = await app.UserAsync();
        await using var first = await alice.ConnectAsync();
        await using var second = await alice.ConnectAsync();

        await first.SendAsync(new string('x', 300 * 1024));

        Assert.Equal(JsonValueKind.Undefined, (await first.NextAsync()).ValueKind);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, first.CloseStatus);
        await second.SendAsync("""{"type":"ping"}""");
        await second.NextAsync("pong");
    }

    [Fact]
    public async Task Connect_ServerStops_SaysSoAndClosesWithServiceRestart()
    {
        CallsApp own = new();
        await own.InitializeAsync();
        var alice = await own.UserAsync();
        await using var socket = await alice.ConnectAsync();

        var closed = socket.NextAsync();
        await own.StopAsync();

        Assert.Equal("server:restart", (await closed).GetProperty("type").GetString());
        Assert.Equal(JsonValueKind.Undefined, (await socket.NextAsync()).ValueKind);
        Assert.Equal((WebSocketCloseStatus)1012, socket.CloseStatus);
        await own.DisposeAsync();
    }

    [Fact]
    public async Task Connect_WithSubprotocol_IsAccepted()
    {
        var alice = await app.UserAsync();
        using ClientWebSocket socket = new();
        socket.Options.AddSubProtocol("bearer");
        socket.Options.AddSubProtocol(alice.Token);

        await socket.ConnectAsync(new UriBuilder(app.Http.BaseAddress!) { Scheme = "ws", Path = "/api/v1/ws" }.Uri, CancellationToken.None);

        Assert.Equal("bearer", socket.SubProtocol);
    }

    [Fact]
    public async Task Group_ThreeParties_RingBothAndNameTheRoom()
    {
        var (alice, bob, carol) = (await app.UserAsync(), await app.UserAsync(), await app.UserAsync());
        await using var b = await bob.ConnectAsync();
        await using var c = await carol.ConnectAsync();
        var chat = await alice.ChatAsync(bob, carol);

        var (status, call) = await alice.SendAsync(
            "POST", "/api/v1/calls", JsonSerializer.Serialize(new { chat_id = chat, recipient_ids = new[] { bob.Id, carol.Id }, call_type = "voice" }));

        Assert.Equal(201, status);
        var id = call.GetProperty("id").GetGuid();
        Assert.Equal($"call:{id}", (await b.NextAsync("call:initiate")).GetProperty("room").GetString());
        await c.NextAsync("call:initiate");
        await b.SendAsync("call:accept", id);

        // Two connections have no order between them, and only who has joined is told of the next.
        await Eventually.TrueAsync(
            async () => (await alice.SendAsync("GET", $"/api/v1/calls/{id}")).Body.GetProperty("status").GetString() == "accepted", "Bob has joined");
        await c.SendAsync("call:accept", id);
        Assert.Equal(carol.Id, (await b.NextAsync("call:accepted")).GetProperty("by").GetGuid());
    }

    private static async Task<Guid> StartAsync(CallsUser caller, CallsUser recipient)
    {
        var (status, call) = await caller.CallAsync(await caller.ChatAsync(recipient), recipient.Id);
        Assert.Equal(201, status);
        return call.GetProperty("id").GetGuid();
    }
}
