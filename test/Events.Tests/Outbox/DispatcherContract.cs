using System.Text.Json;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events.Tests.Nats;

namespace VoiceCluster.Events.Tests.Outbox;

/// <summary>What the bridge does with an outbox; each database runs the same tests against real servers.</summary>
public abstract class DispatcherContract
{
    private const string Subject = "test.numbered";

    /// <summary>An empty outbox.</summary>
    protected abstract IOutboxStore Store { get; }

    [Fact]
    public async Task Dispatch_WithoutStreams_PublishesAllInOrderAndEmptiesTheOutbox()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, Subject);
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        await bridge.IsUpAsync();

        var events = Numbered.Events(keys: 20, each: 100);
        await Store.AppendInPiecesAsync(events, bridge.Signal);

        await AllArriveAsync(peer, events);
        await OutboxEmptiesAsync();
        Assert.Equal(0, Numbered.AssertComplete(peer.Received.Select(m => m.Payload), events));
    }

    [Fact]
    public async Task Dispatch_WithAStream_WaitsForItsAcknowledgements()
    {
        await using var nats = await StreamServerAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port);
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        await bridge.IsUpAsync();
        var before = Count(bridge, "voicecluster_events_published_total{ack=\"jetstream\"}");

        var events = Numbered.Events(keys: 20, each: 25);
        await Store.AppendInPiecesAsync(events, bridge.Signal);

        await OutboxEmptiesAsync();
        Numbered.AssertComplete((await peer.ReadStreamAsync("EVENTS")).Select(m => m.Payload), events);
        Assert.True(Count(bridge, "voicecluster_events_published_total{ack=\"jetstream\"}") - before >= events.Length);
    }

    [Fact]
    public async Task Dispatch_NatsAwayWhileTwentyThousandEventsCome_LosesAndReordersNothing()
    {
        await using var nats = await StreamServerAsync();
        await nats.KillAsync();
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        var events = Numbered.Events(keys: 200, each: 100);
        await Store.AppendInPiecesAsync(events, bridge.Signal, piece: 2_000);
        Assert.True(bridge.Readiness.Check().IsReady);

        await nats.StartAsync();
        await OutboxEmptiesAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port);
        Assert.Equal(0, Numbered.AssertComplete((await peer.ReadStreamAsync("EVENTS")).Select(m => m.Payload), events));
    }

    [Fact]
    public async Task Dispatch_ServerKilledAgainAndAgain_KeepsEveryEventInTheStreamInOrder()
    {
        await using var nats = await StreamServerAsync();
        await using var bridge = await Bridge.StartAsync(nats.Url, Store, ("Events:BatchSize", "20"));
        var events = Numbered.Events(keys: 20, each: 300);
        foreach (var round in events.Chunk(1_500))
        {
            // In the middle of this round's events.
            await Store.AppendInPiecesAsync(round, bridge.Signal);
            await Eventually.TrueAsync(async () => (await Store.ReadBacklogAsync(default)).Count < 1_400, "some of the round are published");
            await nats.KillAsync();
            await nats.StartAsync();
            await OutboxEmptiesAsync();
        }

        await using var peer = await NatsPeer.ConnectAsync(nats.Port);
        Numbered.AssertComplete((await peer.ReadStreamAsync("EVENTS")).Select(m => m.Payload), events);
    }

    [Fact]
    public async Task Dispatch_AStreamThatIsFull_HoldsUpItsKeysAndNoOthers()
    {
        await using var nats = await NatsServerProcess.StartNewAsync(jetStream: true);
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "test.free");
        await peer.StreamAsync("CREATE", "SMALL", new { name = "SMALL", subjects = new[] { "test.small" }, max_msgs = 10, discard = "new" });
        await using var bridge = await Bridge.StartAsync(nats.Url, Store, ("Events:BatchSize", "50"));
        var held = Numbered.Events(keys: 3, each: 200, subject: "test.small");
        OutboxEvent[] free = [.. Enumerable.Range(0, 100).Select(n => Numbered.Event("free", n, "test.free"))];
        await Store.AppendInPiecesAsync(held, bridge.Signal);
        await Store.AppendInPiecesAsync(free, bridge.Signal);

        await AllArriveAsync(peer, free);
        Assert.Equal(held.Length - 10, (await StillWaitingAsync("test.small")).Count);

        await peer.StreamAsync("UPDATE", "SMALL", new { name = "SMALL", subjects = new[] { "test.small" }, max_msgs = 100_000, discard = "new" });
        await OutboxEmptiesAsync();
        Numbered.AssertComplete((await peer.ReadStreamAsync("SMALL")).Select(m => m.Payload), held);
    }

    [Fact]
    public async Task Dispatch_AServerThatStopsToAnswer_IsLeftAndTriedAnew()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var bridge = await Bridge.StartAsync(nats.Url, Store, ("Events:AckTimeout", "00:00:00.5"), ("Events:ConnectTimeout", "00:00:00.5"));
        await bridge.IsUpAsync();
        await nats.SignalAsync("STOP");
        var events = Numbered.Events(keys: 2, each: 10);
        await Store.AppendInPiecesAsync(events, bridge.Signal);
        await Eventually.TrueAsync(() => bridge.Readiness.Check().Reason is not null, "the bridge knows that NATS is away");
        Assert.Equal(events.Length, (await Store.ReadBacklogAsync(default)).Count);

        await nats.SignalAsync("CONT");
        await OutboxEmptiesAsync();
    }

    [Fact]
    public async Task Dispatch_ASubjectWithoutPermission_IsNeverTakenForPublished()
    {
        await using var nats = new NatsServerProcess(false, "-c", "{folder}/nats.conf");
        await File.WriteAllTextAsync(
            Path.Combine(nats.Folder, "nats.conf"),
            """
            authorization { users = [
              { user: voice, password: v, permissions: { publish: { deny: "test.secret" } } },
              { user: peer, password: p } ]
              default_permissions: { publish: ">", subscribe: ">" } }
            no_auth_user: peer
            """);
        await nats.StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "test.>");
        await using var bridge = await Bridge.StartAsync($"nats://voice:v@127.0.0.1:{nats.Port}", Store);
        await bridge.IsUpAsync();
        OutboxEvent[] free = [.. Enumerable.Range(0, 100).Select(n => Numbered.Event("free", n, "test.free"))];
        await Store.AppendAsync([Numbered.Event("secret", 0, "test.secret"), .. free], default);

        await AllArriveAsync(peer, free);
        await Eventually.TrueAsync(async () => (await Store.ReadBacklogAsync(default)).Count == 1, "only the refused one is left");
        Assert.Single(await StillWaitingAsync("test.secret"));
    }

    [Fact]
    public async Task Dispatch_AnEventTooLargeForTheServer_HoldsUpNothing()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "test.>");
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        var events = Numbered.Events(keys: 1, each: 3);
        await Store.AppendAsync([new OutboxEvent(Guid.NewGuid(), "test.large", "key-0", new byte[2 << 20]), .. events], default);
        await AllArriveAsync(peer, events);
        await OutboxEmptiesAsync();
        Assert.Equal(events.Length, peer.Received.Count);
    }

    [Fact]
    public async Task Dispatch_TwoBridges_OnePublishesAndTheOtherTakesOverWhenItStops()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, Subject);
        await using var first = await Bridge.StartAsync(nats.Url, Store);
        await first.IsUpAsync();
        await using var second = await Bridge.StartAsync(nats.Url, Store);
        await second.IsUpAsync();
        var early = Numbered.Events(keys: 10, each: 50);
        await Store.AppendInPiecesAsync(early);
        await AllArriveAsync(peer, early);
        await OutboxEmptiesAsync();

        await first.StopAsync();
        var late = Numbered.Events(keys: 10, each: 50, from: 50);
        await Store.AppendInPiecesAsync(late);
        OutboxEvent[] all = [.. early, .. late];
        await AllArriveAsync(peer, all);
        Assert.Equal(0, Numbered.AssertComplete(peer.Received.Select(m => m.Payload), all));
    }

    [Fact]
    public async Task Lease_OfAnotherOwner_IsRefusedUntilItsTimeIsOverOrItIsGivenBack()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        var time = TimeSpan.FromMilliseconds(500);
        Assert.True(await Store.TryLeaseAsync(first, TimeSpan.FromMinutes(5), default));
        Assert.True(await Store.TryLeaseAsync(first, time, default));
        Assert.False(await Store.TryLeaseAsync(second, time, default));
        await Store.ReleaseLeaseAsync(second, default);
        Assert.False(await Store.TryLeaseAsync(second, time, default));
        await Eventually.TrueAsync(() => Store.TryLeaseAsync(second, TimeSpan.FromMinutes(5), default), "the time of the first is over");
        Assert.False(await Store.TryLeaseAsync(first, time, default));
        await Store.ReleaseLeaseAsync(second, default);
        Assert.True(await Store.TryLeaseAsync(first, time, default));
    }

    [Fact]
    public async Task Append_OfEventsThatAreThere_ChangesNothing()
    {
        var events = Numbered.Events(keys: 2, each: 3);
        await Store.AppendAsync(events[..4], default);
        await Store.AppendAsync(events, default);
        var pending = await Store.ReadPendingAsync(0, 100, default);
        Assert.Equal(events.Select(e => e.Id), pending.Select(p => p.Event.Id));
        Assert.Equal(events[5].Id, Assert.Single(await Store.ReadPendingAsync(pending[4].Position, 100, default)).Event.Id);
        var backlog = await Store.ReadBacklogAsync(default);
        Assert.Equal(6, backlog.Count);
        Assert.InRange(backlog.OldestAge, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Publisher_DurableEvents_ReachTheBusInOrder()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "voice.session.>");
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        await bridge.IsUpAsync();
        for (var i = 0; i < 300; i++)
        {
            bridge.Publisher.Publish(new VoiceSessionEvent(
                Guid.NewGuid(), EventTypes.VoiceSessionUpdated, DateTimeOffset.UtcNow, "s1", Guid.NewGuid(), $"{i}", false, false, null));
        }

        await Eventually.TrueAsync(() => peer.Received.Count == 300, "all events arrive");
        Assert.Equal(
            Enumerable.Range(0, 300).Select(i => $"{i}"),
            peer.Received.Select(m => JsonSerializer.Deserialize<JsonElement>(m.Payload).GetProperty("data").GetProperty("channel_id").GetString()));
    }

    [Fact]
    public async Task Stop_RightAfterAnEvent_StillPublishesIt()
    {
        await using var nats = await NatsServerProcess.StartNewAsync();
        await using var peer = await NatsPeer.ConnectAsync(nats.Port, "voice.session.>");
        await using var bridge = await Bridge.StartAsync(nats.Url, Store);
        await bridge.IsUpAsync();
        await Eventually.TrueAsync(async () => !await Store.TryLeaseAsync(Guid.NewGuid(), TimeSpan.FromSeconds(1), default), "the bridge leads");
        bridge.Publisher.Publish(new VoiceSessionEvent(
            Guid.NewGuid(), EventTypes.VoiceSessionEnded, DateTimeOffset.UtcNow, "s1", Guid.NewGuid(), "c1", false, false, "left"));
        await bridge.StopAsync();
        await peer.FlushAsync();
        Assert.Single(peer.Received);
        Assert.Equal(0, (await Store.ReadBacklogAsync(default)).Count);
        Assert.True(await Store.TryLeaseAsync(Guid.NewGuid(), TimeSpan.FromSeconds(1), default));
    }

    private static long Count(Bridge bridge, string series) => bridge.Metrics.Write().Split('\n')
        .Where(l => l.StartsWith(series, StringComparison.Ordinal))
        .Sum(l => long.Parse(l.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture));

    private static Task AllArriveAsync(NatsPeer peer, IReadOnlyCollection<OutboxEvent> events) => Eventually.TrueAsync(
        () => peer.Received.Count >= events.Count, $"{events.Count} events arrive");

    /// <summary>A server with a stream that keeps what the tests publish.</summary>
    private static async Task<NatsServerProcess> StreamServerAsync()
    {
        var nats = await NatsServerProcess.StartNewAsync(jetStream: true);
        await using var admin = await NatsPeer.ConnectAsync(nats.Port);
        await admin.StreamAsync("CREATE", "EVENTS", new { name = "EVENTS", subjects = new[] { "test.>" } });
        return nats;
    }

    private Task OutboxEmptiesAsync() =>
        Eventually.TrueAsync(async () => (await Store.ReadBacklogAsync(default)).Count == 0, "the outbox is empty");

    private async Task<List<OutboxEntry>> StillWaitingAsync(string subject) =>
        [.. (await Store.ReadPendingAsync(0, 10_000, default)).Where(p => p.Event.Subject == subject)];
}
