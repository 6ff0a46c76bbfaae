using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;
using VoiceCluster.Engine.Tests;
using VoiceCluster.Grains.Tests.Calls;
using VoiceCluster.Grains.Tests.Media;
using VoiceCluster.Grains.VoiceSessions;

namespace VoiceCluster.Grains.Tests.VoiceSessions;

/// <summary>What is left of a voice session when everything but the store is lost, and what the world is told.</summary>
public sealed class VoiceCrashTests : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private readonly VoiceStore _store = new();
    private readonly CallReminders _reminders = new();
    private readonly TransientEvents _transient = new();
    private readonly InMemoryMediaNode _node = new();
    private readonly MediaNodeId _nodeId = new("only", Guid.NewGuid());
    private readonly Guid _channel = Guid.NewGuid();
    private readonly Guid _alice = Guid.NewGuid();
    private InProcessTestCluster? _cluster;
    private IMediaNode? _reference;

    public Task InitializeAsync() => DeployAsync();

    public async Task DisposeAsync() => await _cluster!.DisposeAsync();

    [Fact]
    public async Task Session_WhoseClusterCrashed_EndsByItsReminderWithItsEvent()
    {
        var session = await JoinAsync();
        Assert.Equal(["voice.session.created"], _store.Types());
        Assert.Equal(1, _reminders.Count);

        await _cluster!.DisposeAsync();
        await DeployAsync();

        // In small steps: a leap would run past the time within which grains answer each other.
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return _store.Types().Contains("voice.session.ended");
            },
            "ended without anybody asking");
        await Eventually.HoldsAsync(() => _reminders.Count == 0, "the reminder is gone");
        var end = _store.Events.Last();
        Assert.Equal((session.ToString(), _alice, _channel.ToString(), "connection_lost"), (end.SessionId, end.UserId, end.ChannelId, end.Reason));
        Assert.Equal(FaultCode.NotFound, (await Session(session).GetAsync(_alice)).Fault?.Code);
    }

    [Fact]
    public async Task Session_FromJoinToLeave_TellsEachChangeOnceInOrder()
    {
        var session = await JoinAsync();

        await Session(session).SetStateAsync(_alice, mute: true, deaf: null);
        await Session(session).SetStateAsync(_alice, mute: true, deaf: null);
        await Session(session).SetStateAsync(_alice, mute: false, deaf: true);
        await Session(session).LeaveAsync(_alice);

        Assert.Equal(
            [
                ("voice.session.created", false, false, null),
                ("voice.session.updated", true, false, null),
                ("voice.session.updated", false, true, null),
                ("voice.session.ended", false, true, "left"),
            ],
            _store.Events.Select(e => (e.Type, e.Mute, e.Deaf, e.Reason)));
        Assert.All(_store.Events, e => Assert.Equal(session.ToString(), e.Key));
        Assert.Equal(4, _store.Events.Select(e => e.Id).Distinct().Count());
        Assert.Equal(0, _reminders.Count);
    }

    [Fact]
    public async Task Session_WhileTheStoreIsAway_GoesOnAndIsWrittenLater()
    {
        var session = await JoinAsync();
        _store.IsAway = true;

        Assert.True((await Session(session).SetStateAsync(_alice, mute: true, deaf: null)).Value!.Muted);
        await Session(session).LeaveAsync(_alice);
        Assert.Equal(FaultCode.NotFound, (await Session(session).GetAsync(_alice)).Fault?.Code);
        Assert.Equal(["voice.session.created"], _store.Types());
        Assert.Equal(FaultCode.Unavailable, (await TryJoinAsync(Guid.NewGuid())).Fault?.Code);

        _store.IsAway = false;
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return _store.Types().Length >= 3;
            },
            "what happened meanwhile is stored");
        Assert.Equal(["voice.session.created", "voice.session.updated", "voice.session.ended"], _store.Types());
    }

    [Fact]
    public async Task Speaking_OfASession_IsToldAndNotStored()
    {
        var session = await JoinAsync();
        var room = _cluster!.Client.GetGrain<IRoomGrain>(ChannelInfo.RoomOf(_channel));
        var epoch = _node.Find(ChannelInfo.RoomOf(_channel))!.Epoch;

        await room.ReportAsync(new MediaReport(_nodeId, epoch, [new Speaker(session.ToString(), -23)], []));
        await room.ReportAsync(new MediaReport(_nodeId, epoch, [], []));
        await Eventually.HoldsAsync(() => _transient.Events.Count == 2, "start and stop");
        await room.ReportAsync(new MediaReport(_nodeId, epoch, [new Speaker(session.ToString(), -23)], []));
        await Eventually.HoldsAsync(() => _transient.Events.Count == 3, "another start");
        await Session(session).LeaveAsync(_alice);

        Assert.Equal(
            [("voice.speaking.started", -23), ("voice.speaking.stopped", -127), ("voice.speaking.started", -23), ("voice.speaking.stopped", -127)],
            _transient.Events.Select(e => (e.Type, e.Level)));
        Assert.DoesNotContain(_store.Types(), t => t.StartsWith("voice.speaking", StringComparison.Ordinal));
    }

    private IVoiceSessionGrain Session(Guid id) => _cluster!.Client.GetGrain<IVoiceSessionGrain>(id);

    private Task<Outcome<VoiceSessionJoined>> TryJoinAsync(Guid user) => _cluster!.Client.GetGrain<IVoiceUserGrain>(user)
        .JoinAsync(new JoinVoice(Guid.NewGuid(), user, _channel, "someone", false, false, "\"someone\""));

    private async Task<Guid> JoinAsync()
    {
        var channel = _cluster!.Client.GetGrain<IChannelGrain>(_channel);
        Assert.Null((await channel.CreateAsync(new CreateChannel(_alice, "general", null, null))).Fault);
        var joined = await TryJoinAsync(_alice);
        Assert.Null(joined.Fault);
        return joined.Value!.Session.Id;
    }

    private async Task DeployAsync()
    {
        InProcessTestClusterBuilder builder = new();
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton<TimeProvider>(_time);
            silo.Services.AddSingleton<IEventPublisher>(_transient);
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            foreach (var name in new[] { GrainStores.Channels, GrainStores.VoiceSessions })
            {
                silo.Services.AddKeyedSingleton<IGrainStorage>(name, _store);
            }

            silo.Services.AddSingleton<IReminderTable>(_reminders);
            silo.AddReminders();
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        _reference = _cluster.Client.CreateObjectReference<IMediaNode>(_node);
        _node.Restart();
        await _cluster.Client.GetGrain<IMediaFleetGrain>(MediaFleet.Key)
            .HeartbeatAsync(new MediaNodeHeartbeat(_nodeId, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), _reference);
    }

    /// <summary>A store in memory that can be away, and takes the events of voice sessions as an outbox does.</summary>
    private sealed class VoiceStore : IGrainStorage
    {
        private readonly MemoryGrainStorage _inner = new();

        public bool IsAway { get; set; }

        public ConcurrentQueue<VoiceSessionEvent> Events { get; } = [];

        public string[] Types() => [.. Events.Select(e => e.Type)];

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            _inner.ReadStateAsync(stateName, grainId, grainState);

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (IsAway)
            {
                throw new IOException("The store is away.");
            }

            DomainEvent[] taken = grainState.State is VoiceSessionState { PendingEvents: { } pending } ? [.. pending] : [];
            (grainState.State as VoiceSessionState)?.PendingEvents.Clear();
            await _inner.WriteStateAsync(stateName, grainId, grainState);
            foreach (var domainEvent in taken)
            {
                Events.Enqueue((VoiceSessionEvent)domainEvent);
            }
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            IsAway ? throw new IOException("The store is away.") : _inner.ClearStateAsync(stateName, grainId, grainState);
    }

    private sealed class TransientEvents : IEventPublisher
    {
        public ConcurrentQueue<VoiceSpeakingEvent> Events { get; } = [];

        public void Publish(DomainEvent domainEvent)
        {
            // Of no interest here.
        }

        public void PublishTransient(DomainEvent domainEvent)
        {
            // The room tells of its speakers as well.
            if (domainEvent is VoiceSpeakingEvent speaking)
            {
                Events.Enqueue(speaking);
            }
        }
    }
}
