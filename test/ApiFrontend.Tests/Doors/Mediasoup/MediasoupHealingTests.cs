using System.Text.Json;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Tests.Rooms;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Doors.Mediasoup;

/// <summary>Events that were lost, moves of the media, and what races with them.</summary>
public sealed class MediasoupHealingTests
{
    [Fact]
    public async Task Events_WithAGap_AreCompletedFromTheRoom()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await JoinedAsync(app, "1");
        FakeRoom room = app.Rooms["r"];
        room.Add(new ParticipantInfo("p2", Guid.Empty, "x", "x", "voice", false, false));
        await room.PushAsync(s => new SpeakersChanged(s, []));
        await alice.ExpectAsync("active-speakers");
        room.Lose(new ProducerInfo("q2", "p2", MediaKind.Audio, false), "node");

        await room.PushAsync(s => new ParticipantJoined(s, new ParticipantInfo("p3", Guid.Empty, "x", "x", "voice", false, false)));

        Assert.Equal("p2", (await alice.ExpectAsync("peer-joined")).GetProperty("peerId").GetString());
        Assert.Equal("q2", (await alice.ExpectAsync("new-producer")).GetProperty("producerId").GetString());
        Assert.Equal("p3", (await alice.ExpectAsync("peer-joined")).GetProperty("peerId").GetString());
        await alice.ExpectNothingAsync();
    }

    [Fact]
    public async Task Events_WhoseGapHidAMove_TellTheMoveFirst()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await JoinedAsync(app, "1");
        FakeRoom room = app.Rooms["r"];
        await room.PushAsync(s => new SpeakersChanged(s, []));
        await alice.ExpectAsync("active-speakers");
        room.Lose(new ProducerInfo("q2", "p2", MediaKind.Audio, false), "another node");

        await room.PushAsync(s => new SpeakersChanged(s, []));

        await alice.ExpectAsync("media-moved");
        await alice.ExpectAsync("new-producer");
        await alice.ExpectAsync("active-speakers");
        await alice.ExpectNothingAsync();
    }

    [Fact]
    public async Task Gap_WhoseRoomDoesNotAnswer_IsHealedByTheNextRenewal()
    {
        var time = new ManualTime();
        await using FrontendApp app = await FrontendApp.StartAsync(time);
        using RawSocket alice = await JoinedAsync(app, "1");
        FakeRoom room = app.Rooms["r"];
        await room.PushAsync(s => new SpeakersChanged(s, []));
        await alice.ExpectAsync("active-speakers");
        room.Lose(new ProducerInfo("q2", "p2", MediaKind.Audio, false), "node");
        room.NextSnapshotFailure = new TimeoutException("The room does not answer.");
        await room.PushAsync(s => new SpeakersChanged(s, []));
        await alice.ExpectAsync("active-speakers");

        time.Advance(RoomLease.RenewEvery);
        await app.Leases.RenewDueAsync(CancellationToken.None);

        Assert.Equal("q2", (await alice.ExpectAsync("new-producer")).GetProperty("producerId").GetString());
    }

    [Fact]
    public async Task MediaMoved_EndsEveryProducer_WithoutEventsOfTheirOwnLater()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket alice = await JoinedAsync(app, "1");
        using RawSocket bob = await ConnectAsync(app);
        string peer = (await JoinAsync(bob, "2")).GetProperty("peerId").GetString()!;
        await alice.ExpectAsync("peer-joined");
        await bob.AskAsync("produce", """{"roomId":"r","transportId":"t","kind":"audio","rtpParameters":{"codecs":[]} }""");
        await alice.ExpectAsync("new-producer");

        await app.Rooms["r"].PushAsync(s => new MediaMoved(s, FakeRoom.Capabilities));
        await alice.ExpectAsync("media-moved");
        await app.Rooms["r"].PushAsync(s => new ParticipantLeft(s, peer, LeaveReason.Left));

        await alice.ExpectAsync("peer-left");
        await alice.ExpectNothingAsync();
    }

    [Fact]
    public async Task Rejoin_ThatRacesWithTheUsersNewSocket_LeavesNoGhost()
    {
        var time = new ManualTime();
        await using FrontendApp app = await FrontendApp.StartAsync(time);
        using RawSocket alice = await ConnectAsync(app);
        string old = (await JoinAsync(alice, "1")).GetProperty("peerId").GetString()!;
        alice.Drop();
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the connection is gone");
        using RawSocket back = await ConnectAsync(app);
        FakeRoom room = app.Rooms["r"];
        room.Forget(old);
        room.DuringNextJoin = () => JoinAsync(back, "1");

        time.Advance(RoomLease.RenewEvery);
        await app.Leases.RenewDueAsync(CancellationToken.None);

        await Eventually.TrueAsync(
            () => room.Calls.Count(c => c.StartsWith("join ", StringComparison.Ordinal)) == 3 && room.Participants is [var only] && only.ParticipantId != old, "one participant");
        Assert.Equal(1, app.Rooms.References);
    }

    private static async Task<RawSocket> JoinedAsync(FrontendApp app, string userId)
    {
        RawSocket socket = await ConnectAsync(app);
        await JoinAsync(socket, userId);
        return socket;
    }

    private static Task<RawSocket> ConnectAsync(FrontendApp app) => RawSocket.ConnectAsync(app.Address, "/voice");

    private static Task<JsonElement> JoinAsync(RawSocket socket, string userId)
        => socket.AskAsync("join-room", $$"""{"roomId":"r","userId":{{userId}} }""");
}
