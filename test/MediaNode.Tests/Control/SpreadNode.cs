using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Control;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Recording;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>A node whose rooms go on at another worker with the first consumer, and people in them.</summary>
internal sealed class SpreadNode : IAsyncDisposable
{
    public const string Negotiated = """
        {"mid":"5","codecs":[{"mimeType":"audio/opus","payloadType":109,"clockRate":48000,"channels":2}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":9}]}
        """;

    public static readonly string Audio = WorkerThreadTests.AudioParameters.Replace(
        "\"headerExtensions\":[]", "\"headerExtensions\":[{\"uri\":\"urn:ietf:params:rtp-hdrext:ssrc-audio-level\",\"id\":1}]");

    private readonly List<Person> _people = [];

    private SpreadNode(NodeFixture node) => Node = node;

    public NodeFixture Node { get; }

    public MediaNodeRuntime Runtime => Node.Runtime;

    public MediaNodeControl Control => Node.Control;

    /// <summary>The limit that each command brings.</summary>
    public int TopSpeakers { get; set; }

    /// <summary>Who speaks, as the node reported last.</summary>
    public string[] Speakers => [.. Node.Reports.Select(r => r.Report.Speakers).OfType<Speaker[]>().LastOrDefault()?.Select(s => s.ParticipantId) ?? []];

    /// <summary>What the node has reported of transports.</summary>
    public IEnumerable<TransportStateChange> States => Node.Reports.SelectMany(r => r.Report.Transports);

    /// <summary>True when nothing of clients is left, and the rooms are on one worker.</summary>
    public bool IsEmpty => (Sum(s => s.Transports), Sum(s => s.Producers), Sum(s => s.Consumers), Sum(s => s.WorkerPipes), Sum(s => s.Branches)) == (0, 0, 0, 0, 0);

    public static async Task<SpreadNode> StartAsync(
        int workers, int limit = 1, RecordingOptions? recording = null, int maxTransports = 10_000, RelayOptions? relay = null) => new(await NodeFixture.StartAsync(
            new MediaNodeOptions { PortRange = "21000-21999", Workers = workers, MaxConsumersPerWorker = limit, MaxTransportsPerWorker = maxTransports },
            relay: relay,
            recording: recording));

    public static void RunUntil(Func<bool> condition, params IEnumerable<Person> people) => SocketClient.RunUntil(condition, [.. people.Select(p => p.Client)]);

    public RoomCommandHeader Header(long epoch, string room = "r") => Node.Header(room, epoch) with { TopSpeakers = TopSpeakers };

    public async Task<T> RunAsync<T>(MediaCommand command, string room = "r")
        where T : MediaReply
    {
        var outcome = await Control.ExecuteAsync(Header(1, room), command);
        Assert.Null(outcome.Fault);
        return Assert.IsType<T>(outcome.Value);
    }

    public async Task RefusedAsync(FaultCode code, MediaCommand command, long epoch = 1, string room = "r")
    {
        var outcome = await Control.ExecuteAsync(Header(epoch, room), command);
        Assert.Equal(code, outcome.Fault?.Code);
    }

    /// <summary>A participant with a connected transport, a voice, and slots for the loudest, which make the worker full.</summary>
    public async Task<Person> JoinAsync(string name, string room = "r", int slots = 1, byte level = 20, bool produces = true)
    {
        var opened = await RunAsync<TransportOpened>(new CreateWebRtcTransport(name, name), room);
        var client = new SocketClient(opened.DescriptionJson);
        await RunAsync<MediaDone>(new ConnectWebRtcTransport(name, client.DtlsParametersJson), room);
        SocketClient.RunUntil(() => client.Rtc.IsConnected, [.. _people.Select(p => p.Client), client]);
        if (produces)
        {
            await RunAsync<MediaDone>(new CreateProducer($"p-{name}", name, MediaKind.Audio, Audio, false), room);
        }

        if (slots > 0)
        {
            string[] ids = slots == 1 ? [$"s-{name}"] : [.. Enumerable.Range(0, slots).Select(i => $"s-{name}-{i}")];
            await RunAsync<SlotConsumersOpened>(new CreateSlotConsumers(ids, name, [.. ids.Select(_ => Negotiated)], false), room);
        }

        var person = new Person(name, client, new LoudSpeaker(client, level), WorkerOf(name, room));
        _people.Add(person);
        return person;
    }

    /// <summary>The worker that has a transport.</summary>
    public int WorkerOf(string transport, string room = "r") =>
        Living.Single(t => Ask(t, room, r => r.Transports.ContainsKey(transport), false)).Index;

    public int WorkerOfNew(Person person) => person.Worker;

    /// <summary>A figure of each of the room's parts.</summary>
    public int[] InEachPart(Func<Router, int> figure) => [.. Living.Select(t => Ask(t, "r", figure, -1)).Where(n => n >= 0)];

    public long Ask(string transport, Func<TransportStats, long> figure) =>
        Living.Sum(t => Ask(t, "r", r => r.Transports.TryGetValue(transport, out var found) ? figure(found.Stats) : 0, 0));

    public int Sum(Func<WorkerStats, int> figure) => Runtime.Workers.Sum(w => figure(w.Worker.Stats));

    public long Dropped(DropReason reason) => Runtime.Workers.Sum(w => w.Worker.Stats.Dropped(reason));

    public async ValueTask DisposeAsync()
    {
        _people.ForEach(p => p.Client.Dispose());
        await Node.DisposeAsync();
    }

    private IEnumerable<WorkerThread> Living => Runtime.Workers.Where(w => w.IsAlive);

    private static T Ask<T>(WorkerThread thread, string room, Func<Router, T> question, T otherwise) =>
        thread.InvokeAsync((w, _) => w.Routers.TryGetValue(room, out var router) ? question(router) : otherwise).GetAwaiter().GetResult();

    internal sealed record Person(string Name, SocketClient Client, LoudSpeaker Speaker, int Worker)
    {
        public string Producer => $"p-{Name}";
    }
}
