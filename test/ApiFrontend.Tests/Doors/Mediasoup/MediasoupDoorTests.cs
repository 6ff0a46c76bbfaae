using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.Tests.Rooms;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Doors.Mediasoup;

public sealed class MediasoupDoorTests
{
    private const string ShortTimeout = "SocketIo:PingTimeout=00:00:00.200";

    [Fact]
    public async Task Join_FirstAndSecond_SeeEachOther()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        JsonElement first = await JoinAsync(alice, "1");
        Assert.Equal("audio/opus", first.GetProperty("rtpCapabilities").GetProperty("codecs")[0].GetProperty("mimeType").GetString());
        Assert.Equal("[]", first.GetProperty("peers").GetRawText());
        Assert.Equal("[]", first.GetProperty("producers").GetRawText());

        using RawSocket bob = await ConnectAsync(app);
        JsonElement second = await JoinAsync(bob, "\"bob\"");
        Assert.Equal($$"""[{"peerId":"{{PeerId(first)}}","userId":1}]""", second.GetProperty("peers").GetRawText());
        Assert.Equal($$"""{"peerId":"{{PeerId(second)}}","userId":"bob"}""", (await alice.ExpectAsync("peer-joined")).GetRawText());
        await bob.ExpectNothingAsync();
        ParticipantInfo info = app.Rooms["r"].Participants.Single(p => p.ParticipantId == PeerId(second));
        Assert.Equal((UserIdentity.FromText("bob"), "\"bob\"", "mediasoup"), (info.UserId, info.UserText, info.Door));
    }

    [Fact]
    public async Task Join_WithPeersOfOtherDoorsAndNames_ShowsThem()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        app.Rooms["r"].Add(new ParticipantInfo("p1", Guid.Empty, "user\"123", "user\"123", "voice", false, false));
        using RawSocket bob = await ConnectAsync(app);
        JsonElement joined = await bob.AskAsync("join-room", """{"roomId":"r","userId":2,"displayName":"Bob B."}""");
        Assert.Equal("""[{"peerId":"p1","userId":"user\"123"}]""", joined.GetProperty("peers").GetRawText());
        using RawSocket eve = await ConnectAsync(app);
        JsonElement seen = await JoinAsync(eve, "3");
        Assert.Contains("\"displayName\":\"Bob B.\"", seen.GetProperty("peers").GetRawText());
    }

    [Fact]
    public async Task Requests_OfAWholeCall_HaveTheShapesOfTheDoor()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        using RawSocket bob = await ConnectAsync(app);
        await JoinAsync(bob, "2");
        await alice.ExpectAsync("peer-joined");

        JsonElement transport = await alice.AskAsync("create-transport", """{"roomId":"r"}""");
        Assert.Equal(["id", "iceParameters", "iceCandidates", "dtlsParameters"], transport.EnumerateObject().Select(p => p.Name));
        string id = transport.GetProperty("id").GetString()!;
        Assert.Equal("{}", Raw(await alice.AskAsync("connect-transport", $$"""{"roomId":"r","transportId":"{{id}}","dtlsParameters":{"role":"client"} }""")));
        JsonElement produced = await alice.AskAsync(
            "produce", $$"""{"roomId":"r","transportId":"{{id}}","kind":"audio","rtpParameters":{"codecs":[]},"appData":{} }""");
        string producer = produced.GetProperty("id").GetString()!;
        Assert.Equal($$"""{"id":"{{producer}}"}""", Raw(produced));
        Assert.Equal($$"""{"peerId":"{{peer}}","producerId":"{{producer}}","kind":"audio"}""", Raw(await bob.ExpectAsync("new-producer")));

        JsonElement consumed = await bob.AskAsync(
            "consume", $$"""{"roomId":"r","transportId":"t","producerId":"{{producer}}","rtpCapabilities":{"codecs":[]} }""");
        Assert.Equal(producer, consumed.GetProperty("producerId").GetString());
        Assert.Equal("audio", consumed.GetProperty("kind").GetString());
        Assert.Equal("""{"mid":"0"}""", Raw(consumed.GetProperty("rtpParameters")));
        string consumer = consumed.GetProperty("id").GetString()!;

        string own = $$"""{"roomId":"r","producerId":"{{producer}}"}""";
        string about = $$"""{"peerId":"{{peer}}","producerId":"{{producer}}"}""";
        Assert.Equal("{}", Raw(await alice.AskAsync("pause-producer", own)));
        Assert.Equal(about, Raw(await bob.ExpectAsync("producer-paused")));
        Assert.Equal("{}", Raw(await alice.AskAsync("resume-producer", own)));
        Assert.Equal(about, Raw(await bob.ExpectAsync("producer-resumed")));
        Assert.Equal("{}", Raw(await bob.AskAsync("pause-consumer", $$"""{"roomId":"r","consumerId":"{{consumer}}"}""")));
        Assert.Equal("{}", Raw(await bob.AskAsync("resume-consumer", $$"""{"roomId":"r","consumerId":"{{consumer}}"}""")));
        Assert.Equal("{}", Raw(await bob.AskAsync("set-preferred-layers", $$"""{"roomId":"r","consumerId":"{{consumer}}","spatialLayer":1}""")));
        Assert.Equal("{}", Raw(await bob.AskAsync("set-priority", $$"""{"roomId":"r","consumerId":"{{consumer}}","priority":200}""")));
        foreach (string which in (string[])["max-outgoing", "min-outgoing", "max-incoming"])
        {
            Assert.Equal("{}", Raw(await alice.AskAsync($"set-{which}-bitrate", $$"""{"roomId":"r","transportId":"{{id}}","bitrate":300000}""")));
        }

        Assert.Equal("{}", Raw(await alice.AskAsync("set-max-outgoing-bitrate", $$"""{"roomId":"r","transportId":"{{id}}","bitrate":0}""")));
        Assert.Equal("{}", Raw(await bob.AskAsync("close-consumer", $$"""{"roomId":"r","consumerId":"{{consumer}}"}""")));
        Assert.Contains("usernameFragment", Raw((await alice.AskAsync("restart-ice", $$"""{"roomId":"r","transportId":"{{id}}"}""")).GetProperty("iceParameters")));
        Assert.Equal("{}", Raw(await alice.AskAsync("close-producer", own)));
        Assert.Equal(about, Raw(await bob.ExpectAsync("producer-closed")));
        Assert.Equal("{}", Raw(await alice.AskAsync("leave-room", """{"roomId":"r"}""")));
        Assert.Equal($$"""{"peerId":"{{peer}}"}""", Raw(await bob.ExpectAsync("peer-left")));
        await alice.ExpectNothingAsync();
        string[] calls = app.Rooms["r"].Calls;
        Assert.Contains($$"""connect {{id}} {"role":"client"}""", calls);
        Assert.Contains($"layers {consumer} 1 ", calls);
        Assert.Contains($"priority {consumer} 200", calls);
        Assert.Equal(
            [$"bitrate {id} MaxOutgoing 300000", $"bitrate {id} MinOutgoing 300000", $"bitrate {id} MaxIncoming 300000", $"bitrate {id} MaxOutgoing 0"],
            calls.Where(c => c.StartsWith("bitrate ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("join-room", "{}", "INVALID")]
    [InlineData("join-room", "null", "INVALID")]
    [InlineData("join-room", "[1]", "INVALID")]
    [InlineData("join-room", "{\"roomId\":1,\"userId\":1}", "INVALID")]
    [InlineData("join-room", "{\"roomId\":\"\",\"userId\":1}", "INVALID")]
    [InlineData("join-room", "{\"roomId\":\"x\",\"userId\":{}}", "INVALID")]
    [InlineData("join-room", "{\"roomId\":\"x\"}", "INVALID")]
    [InlineData("create-transport", "{}", "INVALID")]
    [InlineData("create-transport", "{\"roomId\":\"other\"}", "NOT_FOUND")]
    [InlineData("connect-transport", "{\"roomId\":\"r\",\"transportId\":\"t\"}", "INVALID")]
    [InlineData("connect-transport", "{\"roomId\":\"r\",\"transportId\":\"t\",\"dtlsParameters\":\"x\"}", "INVALID")]
    [InlineData("produce", "{\"roomId\":\"r\",\"transportId\":\"t\",\"kind\":\"smell\",\"rtpParameters\":{}}", "INVALID")]
    [InlineData("consume", "{\"roomId\":\"r\",\"transportId\":\"t\",\"producerId\":7,\"rtpCapabilities\":{}}", "INVALID")]
    [InlineData("set-preferred-layers", "{\"roomId\":\"r\",\"consumerId\":\"c\",\"spatialLayer\":-1}", "INVALID")]
    [InlineData("set-priority", "{\"roomId\":\"r\",\"consumerId\":\"c\"}", "INVALID")]
    [InlineData("set-priority", "{\"roomId\":\"r\",\"consumerId\":\"c\",\"priority\":0}", "INVALID")]
    [InlineData("set-priority", "{\"roomId\":\"r\",\"consumerId\":\"c\",\"priority\":256}", "INVALID")]
    [InlineData("set-priority", "{\"roomId\":\"r\",\"consumerId\":\"c\",\"priority\":1.5}", "INVALID")]
    [InlineData("set-priority", "{\"roomId\":\"r\",\"consumerId\":\"c\",\"priority\":\"2\"}", "INVALID")]
    [InlineData("set-max-outgoing-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\"}", "INVALID")]
    [InlineData("set-max-outgoing-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\",\"bitrate\":-1}", "INVALID")]
    [InlineData("set-max-outgoing-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\",\"bitrate\":29999}", "INVALID")]
    [InlineData("set-min-outgoing-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\",\"bitrate\":1000000001}", "INVALID")]
    [InlineData("set-min-outgoing-bitrate", "{\"roomId\":\"r\",\"bitrate\":100000}", "INVALID")]
    [InlineData("set-max-incoming-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\",\"bitrate\":1e30}", "INVALID")]
    [InlineData("set-max-incoming-bitrate", "{\"roomId\":\"r\",\"transportId\":\"t\",\"bitrate\":\"100000\"}", "INVALID")]
    [InlineData("pause-producer", "{\"roomId\":\"r\",\"producerId\":\"nobody's\"}", "NOT_FOUND")]
    [InlineData("leave-room", "{\"roomId\":\"other\"}", "NOT_FOUND")]
    [InlineData("make-coffee", "{}", "INVALID")]
    public async Task Request_ThatIsWrong_AcksAnErrorAndTheRoomGoesOn(string name, string argument, string code)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        await JoinAsync(alice, "1");
        JsonElement error = (await alice.AskAsync(name, argument)).GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.True((await alice.AskAsync("create-transport", """{"roomId":"r"}""")).TryGetProperty("id", out _));
    }

    [Fact]
    public async Task Request_WhoseRoomFails_AcksAnErrorOfItsKind()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        app.Rooms["r"].NextRefusal = new Fault(FaultCode.Full, "The room is full.");
        JsonElement full = await JoinAsync(alice, "1");
        Assert.Equal("""{"error":{"code":"FULL","message":"The room is full."}}""", Raw(full));
        Assert.Equal(0, app.Rooms.References);
        await JoinAsync(alice, "1");
        app.Rooms["r"].NextFailure = new TimeoutException("secret");
        string unavailable = Raw(await alice.AskAsync("create-transport", """{"roomId":"r"}"""));
        Assert.Contains("UNAVAILABLE", unavailable);
        Assert.DoesNotContain("secret", unavailable);
        app.Rooms["r"].NextFailure = new InvalidOperationException("secret");
        Assert.Contains("INTERNAL", Raw(await alice.AskAsync("create-transport", """{"roomId":"r"}""")));
    }

    [Fact]
    public async Task Join_WhoseAnswerIsLost_LeavesNoGhost()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        app.Rooms["r"].NextFailure = new TimeoutException("lost");
        Assert.Contains("UNAVAILABLE", Raw(await JoinAsync(alice, "1")));
        Assert.Contains(app.Rooms["r"].Calls, c => c.StartsWith("leave ", StringComparison.Ordinal));
        Assert.Equal(0, app.Rooms.References);
    }

    [Fact]
    public async Task Request_WithoutAck_IsCarriedOut()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        await alice.SendAsync("""42/voice,["join-room",{"roomId":"r","userId":1}]""");
        await Eventually.TrueAsync(() => app.Rooms["r"].Participants.Length == 1, "the participant is in the room");
    }

    [Fact]
    public async Task Events_BeforeTheJoinIsAnswered_ComeAfterItsAckInOrder()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        app.Rooms["r"].BeforeJoinAnswer =
        [
            new ParticipantJoined(5, new ParticipantInfo("p9", Guid.Empty, "x", "x", "voice", false, false)),
            new ProducerAdded(6, new ProducerInfo("q9", "p9", MediaKind.Video, false)),
            new ParticipantLeft(7, "p9", LeaveReason.Left),
        ];
        using RawSocket alice = await ConnectAsync(app);
        await alice.SendAsync("""42/voice,0["join-room",{"roomId":"r","userId":1}]""");
        Assert.StartsWith("43/voice,0[{\"rtpCapabilities\"", await alice.ReceiveAsync());
        await alice.ExpectAsync("peer-joined");
        await alice.ExpectAsync("new-producer");
        await alice.ExpectAsync("producer-closed");
        await alice.ExpectAsync("peer-left");
    }

    [Fact]
    public async Task RoomEvents_SpeakersMoveAndEviction_ReachTheClient()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        await app.Rooms["r"].PushAsync(s => new SpeakersChanged(s, [new Speaker(peer, -30)]));
        Assert.Equal($$"""[{"peerId":"{{peer}}","level":-30}]""", Raw(await alice.ExpectAsync("active-speakers")));
        await app.Rooms["r"].PushAsync(s => new MediaMoved(s, FakeRoom.Capabilities));
        Assert.Equal("{\"rtpCapabilities\":" + FakeRoom.Capabilities + "}", Raw(await alice.ExpectAsync("media-moved")));
        await app.Rooms["r"].PushAsync(_ => new Evicted(0, LeaveReason.Removed));
        Assert.Equal("""{"roomId":"r","reason":"Removed"}""", Raw(await alice.ExpectAsync("evicted")));
        Assert.Contains("NOT_FOUND", Raw(await alice.AskAsync("create-transport", """{"roomId":"r"}""")));
        Assert.Equal(0, app.Rooms.References);
    }

    [Fact]
    public async Task Join_OfAnotherRoom_LeavesTheFirst()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        await JoinAsync(alice, "1");
        await JoinAsync(alice, "1", room: "s");
        Assert.Empty(app.Rooms["r"].Participants);
        Assert.Single(app.Rooms["s"].Participants);
        Assert.Equal(1, app.Rooms.References);
    }

    [Fact]
    public async Task Join_OfTheSameUserOnTwoLiveSockets_GivesTwoParticipants()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket one = await ConnectAsync(app);
        using RawSocket two = await ConnectAsync(app);
        await JoinAsync(one, "1");
        await JoinAsync(two, "1");
        Assert.Equal(2, app.Rooms["r"].Participants.Length);
    }

    [Fact]
    public async Task Drop_OfTheSocket_LeavesOnlyAfterThePingTimeout()
    {
        await using FrontendApp app = await FrontendApp.StartAsync(ShortTimeout);
        RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        alice.Drop();
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the connection is gone");
        await Eventually.TrueAsync(() => app.Rooms["r"].Participants.Length == 0, "the participant left");
        Assert.Contains($"leave {peer} ConnectionLost", app.Rooms["r"].Calls);
        await Eventually.TrueAsync(() => app.Rooms.References == 0, "the observer is released");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disconnect_OfTheClientOrItsPage_LeavesAtOnce(bool packet)
    {
        // The default ping timeout of 20 s is far past the first look.
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:PingTimeout=00:10:00");
        using RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        if (packet)
        {
            await alice.SendAsync("41/voice,");
        }
        else
        {
            await alice.CloseAsync(WebSocketCloseStatus.EndpointUnavailable);
        }

        await Eventually.TrueAsync(() => app.Rooms["r"].Calls.Contains($"leave {peer} Left"), "the participant left");
    }

    [Fact]
    public async Task Reconnect_WithinThePingTimeout_GoesOnUntouchedWithWhatItMissed()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        string pid = alice.Connected.GetProperty("pid").GetString()!;
        alice.Drop();
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the connection is gone");
        using RawSocket bob = await ConnectAsync(app);
        await JoinAsync(bob, "2");

        using RawSocket back = await RawSocket.ConnectAsync(app.Address, "/voice", $$"""{"pid":"{{pid}}"}""");
        Assert.Equal("2", Raw((await back.ExpectAsync("peer-joined")).GetProperty("userId")));
        Assert.True((await back.AskAsync("create-transport", """{"roomId":"r"}""")).TryGetProperty("id", out _));
        Assert.Contains($"create-transport {peer}", app.Rooms["r"].Calls);
        await bob.ExpectNothingAsync();
    }

    [Fact]
    public async Task JoinAgain_AfterADropWithoutResuming_ReplacesTheGhostAtOnce()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket bob = await ConnectAsync(app);
        await JoinAsync(bob, "2");
        RawSocket alice = await ConnectAsync(app);
        string ghost = PeerId(await JoinAsync(alice, "1"));
        await bob.ExpectAsync("peer-joined");
        alice.Drop();
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 1, "the connection is gone");

        using RawSocket back = await ConnectAsync(app);
        JsonElement joined = await JoinAsync(back, "1");
        Assert.NotEqual(ghost, PeerId(joined));
        Assert.Equal(ghost, (await bob.ExpectAsync("peer-left")).GetProperty("peerId").GetString());
        Assert.Equal(PeerId(joined), (await bob.ExpectAsync("peer-joined")).GetProperty("peerId").GetString());
        Assert.Contains($"leave {ghost} Moved", app.Rooms["r"].Calls);
    }

    [Fact]
    public async Task Join_WithTheResumeToken_TakesTheParticipantOver()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await ConnectAsync(app);
        JsonElement first = await JoinAsync(alice, "1");
        string token = first.GetProperty("resumeToken").GetString()!;
        using RawSocket back = await ConnectAsync(app);
        JsonElement stranger = await back.AskAsync("join-room", $$"""{"roomId":"r","userId":2,"resumeToken":"{{token}}"}""");
        Assert.NotEqual(PeerId(first), PeerId(stranger));
        Assert.False(stranger.GetProperty("resumed").GetBoolean());

        JsonElement resumed = await back.AskAsync("join-room", $$"""{"roomId":"r","userId":1,"resumeToken":"{{token}}"}""");
        Assert.Equal(PeerId(first), PeerId(resumed));
        Assert.True(resumed.GetProperty("resumed").GetBoolean());
        Assert.Equal(PeerId(first), Assert.Single(app.Rooms["r"].Participants).ParticipantId);
        Assert.True((await back.AskAsync("create-transport", """{"roomId":"r"}""")).TryGetProperty("id", out _));
    }

    [Fact]
    public async Task Join_WithTheResumeTokenOfAnotherFrontend_TakesTheParticipantOverUnnoticed()
    {
        var rooms = new FakeRooms();
        await using FrontendApp first = await FrontendApp.StartAsync(rooms);
        await using FrontendApp second = await FrontendApp.StartAsync(rooms);
        using RawSocket bob = await ConnectAsync(second);
        await JoinAsync(bob, "2");
        using RawSocket alice = await ConnectAsync(first);
        JsonElement joined = await JoinAsync(alice, "1");
        await bob.ExpectAsync("peer-joined");
        string token = joined.GetProperty("resumeToken").GetString()!;

        // Neither another user nor another secret gets the participant.
        using RawSocket mallory = await ConnectAsync(second);
        string guess = token[..32] + new string('0', 40);
        foreach ((string user, string secret) in new[] { ("3", token), ("1", guess) })
        {
            JsonElement refused = await mallory.AskAsync("join-room", $$"""{"roomId":"r","userId":{{user}},"resumeToken":"{{secret}}"}""");
            Assert.NotEqual(PeerId(joined), PeerId(refused));
            Assert.False(refused.GetProperty("resumed").GetBoolean());
            await bob.ExpectAsync("peer-joined");
            await mallory.AskAsync("leave-room", """{"roomId":"r"}""");
            await bob.ExpectAsync("peer-left");
        }

        using RawSocket back = await ConnectAsync(second);
        JsonElement resumed = await back.AskAsync("join-room", $$"""{"roomId":"r","userId":1,"resumeToken":"{{token}}"}""");
        Assert.Equal((PeerId(joined), token), (PeerId(resumed), resumed.GetProperty("resumeToken").GetString()));
        Assert.True(resumed.GetProperty("resumed").GetBoolean());
        Assert.Equal("""["t1"]""", Raw(resumed.GetProperty("transports")));
        Assert.True((await back.AskAsync("create-transport", """{"roomId":"r"}""")).TryGetProperty("id", out _));
        await bob.ExpectNothingAsync();

        // The connection that had it is told, and its end takes nobody out of the room.
        JsonElement last;
        do
        {
            last = await alice.NextEventAsync();
        }
        while (last[0].GetString() is "peer-joined" or "peer-left");
        Assert.Equal(("evicted", "Moved"), (last[0].GetString(), last[1].GetProperty("reason").GetString()));
        alice.Drop();
        await Eventually.TrueAsync(() => first.Sockets.SessionCount == 0, "the old connection is gone");
        await bob.ExpectNothingAsync();
    }

    [Fact]
    public async Task Stop_OfOneOfSeveralFrontends_TellsItsClientsAndLeavesThemInTheirRooms()
    {
        var rooms = new FakeRooms();
        await using FrontendApp first = await FrontendApp.StartAsync(rooms);
        await using FrontendApp second = await FrontendApp.StartAsync(rooms);
        using RawSocket bob = await ConnectAsync(second);
        await JoinAsync(bob, "2");
        using RawSocket alice = await ConnectAsync(first);
        JsonElement joined = await JoinAsync(alice, "1");
        await bob.ExpectAsync("peer-joined");

        Task stopping = first.StopAsync();

        // No DISCONNECT packet ("41"): stock clients would stay away after it. The WebSocket's end brings them back.
        Assert.Equal("SERVICE_RESTART", (await alice.ExpectAsync("server-restart")).GetProperty("code").GetString());
        Assert.Null(await alice.ReceiveAsync());
        Assert.Equal((WebSocketCloseStatus)1012, alice.CloseStatus);
        await alice.CloseAsync(WebSocketCloseStatus.NormalClosure);
        await stopping;
        Assert.DoesNotContain(rooms["r"].Calls, c => c.StartsWith("leave", StringComparison.Ordinal));

        using RawSocket back = await ConnectAsync(second);
        JsonElement resumed = await back.AskAsync(
            "join-room", $$"""{"roomId":"r","userId":1,"resumeToken":"{{joined.GetProperty("resumeToken").GetString()}}"}""");
        Assert.Equal(PeerId(joined), PeerId(resumed));
        await bob.ExpectNothingAsync();
    }

    [Fact]
    public async Task Renewal_ThatTheRoomDoesNotKnow_RejoinsAndSaysThatMediaMoved()
    {
        var time = new ManualTime();
        await using FrontendApp app = await FrontendApp.StartAsync(time);
        using RawSocket alice = await ConnectAsync(app);
        string peer = PeerId(await JoinAsync(alice, "1"));
        app.Rooms["r"].Forget(peer);
        app.Rooms["r"].Add(new ParticipantInfo("p2", Guid.Empty, "x", "x", "voice", false, false));
        time.Advance(RoomLease.RenewEvery);
        await app.Leases.RenewDueAsync(CancellationToken.None);

        // The move ends what the client has, so whatever is there now comes after it.
        await alice.ExpectAsync("media-moved");
        Assert.Equal("p2", (await alice.ExpectAsync("peer-joined")).GetProperty("peerId").GetString());
        Assert.Contains(app.Rooms["r"].Participants, p => p.ParticipantId == peer);
    }

    private static Task<RawSocket> ConnectAsync(FrontendApp app) => RawSocket.ConnectAsync(app.Address, "/voice");

    private static Task<JsonElement> JoinAsync(RawSocket socket, string userId, string room = "r")
        => socket.AskAsync("join-room", $$"""{"roomId":"{{room}}","userId":{{userId}} }""");

    private static string PeerId(JsonElement joined) => joined.GetProperty("peerId").GetString()!;

    private static string Raw(JsonElement element) => element.GetRawText();
}
