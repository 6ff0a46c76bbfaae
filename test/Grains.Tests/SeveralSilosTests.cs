using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Media;
using VoiceCluster.Grains.Rooms;
using VoiceCluster.Grains.Tests.Media;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests;

/// <summary>Alone in the process: the clock moves on when nothing is left to do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OneClock
{
    public const string Name = "One clock";
}

/// <summary>
/// The real grains on three silos with one store, while the silo of a room is lost. A media node in memory sends its heartbeats; the
/// clock runs as fast as the silos keep up.
/// </summary>
[Collection(OneClock.Name)]
public sealed class SeveralSilosTests
{
    private const short Silos = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);
    private static readonly string[] Names = ["alice", "bob"];

    private readonly TestClock _clock = new();
    private readonly MemoryGrainStorage _store = new();
    private readonly InMemoryMediaNode _node = new();
    private readonly MediaNodeId _nodeId = new("node", Guid.NewGuid());
    private readonly RecordingObserver _observer = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly string _name = $"room-{Guid.NewGuid():N}";
    private InProcessTestCluster _cluster = null!;
    private IMediaNode _nodeReference = null!;
    private IRoomObserver _observerReference = null!;
    private Task _heartbeats = Task.CompletedTask;

    private IRoomGrain Room => _cluster.Client.GetGrain<IRoomGrain>(_name);

    [Fact]
    public Task Room_OfAKilledSilo_AnswersWithItsStateAndItsMedia() => RunAsync(async () =>
    {
        var (producer, epoch) = await SpeakAsync();
        await _cluster.KillSiloAsync(await FindAsync<RoomGrain>());
        await AnswersAsAsync(producer, epoch);
        Assert.Equal(Silos - 1, _cluster.Silos.Count);
    });

    [Fact]
    public Task Room_OfASiloThatStops_AnswersWithItsStateAndItsMedia() => RunAsync(async () =>
    {
        var (producer, epoch) = await SpeakAsync();
        await _cluster.StopSiloAsync(await FindAsync<RoomGrain>());
        await AnswersAsAsync(producer, epoch);
    });

    /// <summary>The silo that is cut off believes in its room until it is dead; by then the others have it, and the node obeys them alone.</summary>
    [Fact]
    public Task Room_OfASiloThatIsCutOff_AnswersFromTheOthersAndItsTwinEnds() => RunAsync(async () =>
    {
        var (producer, epoch) = await SpeakAsync();
        var lost = await FindAsync<RoomGrain>();
        _cluster.Network.Partition([lost.SiloAddress], _cluster.Silos.Where(s => s != lost).Select(s => s.SiloAddress));
        _cluster.Network.Cut(_cluster.Client, lost.SiloAddress);
        await AnswersAsAsync(producer, epoch);
        await UntilAsync(() => Task.FromResult(lost.HasEnded), "the silo that is cut off ends");
        _cluster.Network.Heal();
        await AnswersAsAsync(producer, epoch);
        Assert.Equal(Silos - 1, _cluster.Silos.Count(s => !s.HasEnded));
    });

    [Fact]
    public Task Fleet_OfASiloThatStops_AsksItsNodesForAHeartbeat() => RunAsync(async () =>
    {
        await SpeakAsync();
        await _cluster.StopSiloAsync(await FindAsync<MediaFleetGrain>());
        await _node.Asked.Task.WaitAsync(Limit, _clock);
    });

    private Task RunAsync(Func<Task> test) => _clock.RunAsync(
        async () =>
        {
            var builder = new InProcessTestClusterBuilder(Silos);
            builder.Options.TimeProvider = _clock;
            builder.ConfigureSilo((_, silo) =>
            {
                foreach (var name in (string[])[GrainStores.Rooms, GrainStores.Channels, GrainStores.Users, GrainStores.VoiceSessions, GrainStores.CallSessions])
                {
                    silo.Services.AddKeyedSingleton<IGrainStorage>(name, _store);
                }

                silo.UseInMemoryReminderService();
            });
            _cluster = builder.Build();
            await using (_cluster)
            {
                await _cluster.DeployAsync();
                _nodeReference = _cluster.Client.CreateObjectReference<IMediaNode>(_node);
                _observerReference = _cluster.Client.CreateObjectReference<IRoomObserver>(_observer);
                _heartbeats = SendHeartbeatsAsync();
                await test();
                await _stop.CancelAsync();
                await _heartbeats;
            }
        },
        TimeSpan.FromMilliseconds(1));

    /// <summary>Two come, and the first one speaks. Answers its producer, and the epoch by which the media node was commanded.</summary>
    private async Task<(string Producer, long Epoch)> SpeakAsync()
    {
        foreach (var name in Names)
        {
            Assert.Null((await Room.JoinAsync(new JoinRoom(name, Guid.NewGuid(), name, name, "test"), _observerReference)).Fault);
        }

        var transport = (await Room.CreateTransportAsync(Names[0])).Value!;
        var producer = await Room.ProduceAsync(Names[0], new ProduceRequest(transport.TransportId, MediaKind.Audio, "{}", Paused: false));
        Assert.Null(producer.Fault);
        return (producer.Value!, _node.Find(_name)!.Epoch);
    }

    /// <summary>The room answers with those who were there and what they sent, and commands the node again as a newer activation.</summary>
    private async Task AnswersAsAsync(string producer, long epoch)
    {
        RoomSnapshot? snapshot = null;
        await UntilAsync(
            async () =>
            {
                try
                {
                    snapshot = await Room.GetSnapshotAsync();
                    return true;
                }
                catch (Exception e) when (e is OrleansException or TimeoutException)
                {
                    return false;
                }
            },
            "the room answers");
        Assert.Equal(Names, snapshot!.Participants.Select(p => p.ParticipantId));
        Assert.Equal(producer, Assert.Single(snapshot.Producers).ProducerId);
        Assert.True(_node.Find(_name)!.Epoch > epoch, "The node was not commanded by the new activation.");
        Assert.Contains(producer, _node.Find(_name)!.Producers.Keys);
        Assert.DoesNotContain(_observer.Events, e => e is ParticipantLeft or ProducerRemoved);
    }

    /// <summary>The silo that has the only activation of a grain's class.</summary>
    private async Task<SiloHandle> FindAsync<TGrain>()
    {
        var statistics = await _cluster.Client.GetGrain<IManagementGrain>(0).GetSimpleGrainStatistics();
        var address = Assert.Single(statistics, s => s.GrainType.EndsWith(typeof(TGrain).Name, StringComparison.Ordinal) && s.ActivationCount > 0).SiloAddress;
        return _cluster.Silos.Single(s => s.SiloAddress.Equals(address));
    }

    private async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var since = _clock.GetTimestamp(); !await condition();)
        {
            Assert.True(_clock.GetElapsedTime(since) < Limit, $"Not within {Limit}: {what}");
            await Task.Delay(Step, _clock);
        }
    }

    private async Task SendHeartbeatsAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _cluster.Client.GetGrain<IMediaFleetGrain>(MediaFleet.Key).HeartbeatAsync(
                    new MediaNodeHeartbeat(_nodeId, "http://127.0.0.1:8089", 0, _node.ConsumerCount, _node.MaxConsumers, 0, false), _nodeReference);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                // The fleet's silo was lost; the next one finds the fleet elsewhere.
                await Task.Delay(Step, _clock);
            }

            await Task.Delay(MediaFleet.HeartbeatEvery, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
