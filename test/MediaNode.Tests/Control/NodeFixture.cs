using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.MediaNode.Control;
using VoiceCluster.MediaNode.Io;
using VoiceCluster.MediaNode.Metrics;
using VoiceCluster.MediaNode.Recording;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>A whole node on loopback ports, with the rooms' grains replaced by a list of reports.</summary>
internal sealed class NodeFixture : IAsyncDisposable, IRoomReportSink, IRecordingReportSink
{
    private readonly MediaMetrics _metrics;
    private readonly RoomReports _reports;
    private readonly RecordingReports? _recordingReports;
    private long _sequence;

    private NodeFixture(MediaNodeOptions options, TimeProvider time, RelayOptions? relay, RecordingOptions? recording)
    {
        var wrapped = Options.Create(options);
        var clock = new MonotonicClock(time);
        Runtime = new MediaNodeRuntime(wrapped, clock, time, NullLogger<MediaNodeRuntime>.Instance, relay is null ? null : Options.Create(relay));
        Identity = new MediaNodeIdentity(wrapped, Runtime);
        _metrics = new MediaMetrics(Runtime);
        _reports = new RoomReports(this, clock, time, _metrics, Identity, NullLogger<RoomReports>.Instance);
        if (recording is not null)
        {
            var recordings = Options.Create(recording);
            Shelf = new RecordingShelf(recordings, wrapped, new ConfigurationBuilder().Build(), Identity);
            _recordingReports = new RecordingReports(this, Shelf, Identity, time, NullLogger<RecordingReports>.Instance);
            Writer = new RecordingWriter(Shelf, _recordingReports, clock, recordings, NullLogger<RecordingWriter>.Instance);
        }

        Control = new MediaNodeControl(Runtime, _reports, wrapped, NullLogger<MediaNodeControl>.Instance, Writer, Plain = new PlainTransports(Runtime, wrapped));
    }

    public RecordingReports? RecordingReports => _recordingReports;

    public RecordingShelf? Shelf { get; }

    public RecordingWriter? Writer { get; }

    /// <summary>What the node has told of its recordings.</summary>
    public ConcurrentQueue<(Guid Recording, RecordingReport Report)> Recordings { get; } = [];

    /// <summary>What the recordings' grains answer.</summary>
    public Outcome<Done> RecordingAnswer { get; set; } = Done.Instance;

    public MediaNodeRuntime Runtime { get; }

    public MediaNodeIdentity Identity { get; }

    public MediaNodeControl Control { get; }

    public PlainTransports Plain { get; }

    public ConcurrentQueue<(string Room, MediaReport Report)> Reports { get; } = [];

    /// <summary>Reports that fail before the first arrives.</summary>
    public int FailuresLeft { get; set; }

    public static async Task<NodeFixture> StartAsync(MediaNodeOptions? options = null, TimeProvider? time = null, RelayOptions? relay = null, RecordingOptions? recording = null)
    {
        var node = new NodeFixture(options ?? new MediaNodeOptions { PortRange = "21000-21999", Workers = 2 }, time ?? TimeProvider.System, relay, recording);
        await node.Runtime.StartAsync(CancellationToken.None);
        if (node.Writer is not null)
        {
            await node._recordingReports!.StartAsync(CancellationToken.None);
            await node.Writer.StartAsync(CancellationToken.None);
        }

        await node._reports.StartAsync(CancellationToken.None);
        return node;
    }

    public RoomCommandHeader Header(string room, long epoch) => new(room, epoch, Interlocked.Increment(ref _sequence));

    public Task<Outcome<MediaReply>> TryAsync(MediaCommand command, string room = "r", long epoch = 1) =>
        Control.ExecuteAsync(Header(room, epoch), command);

    public async Task<T> RunAsync<T>(MediaCommand command, string room = "r", long epoch = 1)
        where T : MediaReply
    {
        var outcome = await TryAsync(command, room, epoch);
        Assert.Null(outcome.Fault);
        return Assert.IsType<T>(outcome.Value);
    }

    public async Task RefusedAsync(FaultCode code, MediaCommand command, string room = "r", long epoch = 1)
    {
        var outcome = await TryAsync(command, room, epoch);
        Assert.NotNull(outcome.Fault);
        Assert.Equal(code, outcome.Fault.Code);
        Assert.NotEmpty(outcome.Fault.Message);
    }

    public Task ReportAsync(string room, MediaReport report)
    {
        if (FailuresLeft > 0)
        {
            FailuresLeft--;
            throw new TimeoutException("The cluster is away.");
        }

        Reports.Enqueue((room, report));
        return Task.CompletedTask;
    }

    public Task<Outcome<Done>> ReportAsync(Guid recording, RecordingReport report)
    {
        Recordings.Enqueue((recording, report));
        return Task.FromResult(RecordingAnswer);
    }

    public async ValueTask DisposeAsync()
    {
        await _reports.StopAsync(CancellationToken.None);
        if (Writer is not null)
        {
            await Writer.StopAsync(CancellationToken.None);
            await _recordingReports!.StopAsync(CancellationToken.None);
            Writer.Dispose();
            _recordingReports.Dispose();
        }

        await Runtime.StopAsync(CancellationToken.None);
        _reports.Dispose();
        _metrics.Dispose();
    }
}
