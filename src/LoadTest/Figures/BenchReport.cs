using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using VoiceCluster.LoadTest.Signalling;

namespace VoiceCluster.LoadTest.Figures;

/// <summary>What a run has measured, as a table for people and as JSON for programs.</summary>
internal sealed class BenchReport(
    BenchOptions options,
    MediaSum media,
    double seconds,
    double joinSeconds,
    JoinFigures joins,
    int churned,
    ServerMetrics? before,
    ServerMetrics? after)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Processor time of the generator itself in the window.</summary>
    public double OwnCpuSeconds { get; init; }

    /// <summary>Bytes that the media threads allocated in the window.</summary>
    public long OwnAllocatedBytes { get; init; }

    /// <summary>True when packets came on every stream and no more were lost than allowed.</summary>
    public bool IsGood => media.Received > 0 && media.LossPercent <= options.MaxLoss && media.Streams >= options.Consumers;

    /// <summary>
    /// Server microseconds of processor time (user and system, whole process) for each RTP packet that it sent by its own count; NaN without metrics.
    /// Not for each that was to come: what a server under too much load never sends costs it nothing.
    /// </summary>
    public double ServerMicrosecondsPerPacket => before is null || after is null || !(after.RtpSent > before.RtpSent)
        ? double.NaN
        : (after.CpuSeconds - before.CpuSeconds) * 1_000_000 / (after.RtpSent - before.RtpSent);

    /// <summary>All figures.</summary>
    public JsonObject ToJson()
    {
        var members = joins.Members;
        var transports = joins.Transports;
        var json = new JsonObject
        {
            ["rooms"] = options.Rooms,
            ["publishers"] = options.Publishers,
            ["subscribers"] = options.Subscribers,
            ["seconds"] = Round(seconds),
            ["streams"] = media.Streams,
            ["streamsExpected"] = options.Consumers,
            ["packetsSent"] = media.Sent,
            ["packetsExpected"] = media.Expected,
            ["packetsReceived"] = media.Received,
            ["packetsPerSecond"] = Round(media.Received / seconds),
            ["megabitsPerSecond"] = Round(media.ReceivedBytes * 8 / seconds / 1_000_000),
            ["packetsLost"] = media.Lost,
            ["lossPercent"] = Round(media.LossPercent),
            ["sendFailures"] = media.SendFailures,
            ["latencyMicroseconds"] = Percentiles(media.Latency, 10),
            ["arrival"] = media.Arrival,
            ["gro"] = options.Gro,
            ["generatorLagMicroseconds"] = Percentiles(media.Lag, 1),
            ["framesLeftOut"] = media.FramesLeftOut,
            ["reportsSent"] = media.ReportsSent,
            ["membersJoined"] = members.Count,
            ["joinSeconds"] = Round(joinSeconds),
            ["joinMilliseconds"] = Percentiles(members, 10_000),
            ["transportMilliseconds"] = Percentiles(transports, 10_000),
            ["joinFailures"] = joins.Failures,
            ["firstFailure"] = joins.FirstFailure,
            ["churned"] = churned,
            ["generatorCpuCores"] = Round(OwnCpuSeconds / seconds),
            ["generatorAllocatedBytes"] = OwnAllocatedBytes,
        };
        if (before is not null && after is not null)
        {
            json["server"] = new JsonObject
            {
                ["cpuCores"] = Round((after.CpuSeconds - before.CpuSeconds) / seconds),
                ["cpuMicrosecondsPerPacket"] = Round(ServerMicrosecondsPerPacket),
                ["memoryMB"] = Round(after.MemoryBytes / (1 << 20)),
                ["transports"] = Round(after.Transports),
                ["rtpSent"] = Round(after.RtpSent - before.RtpSent),
                ["datagramsSent"] = Round(after.Datagrams - before.Datagrams),
                ["datagramsPerMessage"] = Round((after.Datagrams - before.Datagrams) / (after.SendMessages - before.SendMessages)),
                ["sendFailures"] = Round(after.SendFailures - before.SendFailures),
                ["receiveQueueOverflows"] = Round(after.QueueOverflows - before.QueueOverflows),
                ["gcCollections"] = Round(after.GcCollections - before.GcCollections),
                ["workerAllocatedBytes"] = Round(after.WorkerAllocated - before.WorkerAllocated),
                ["lockContentions"] = Round(after.LockContentions - before.LockContentions),
                ["compileSeconds"] = Round(after.CompileSeconds - before.CompileSeconds),
                ["gcPauseMilliseconds"] = Round(1_000 * (after.GcPauseSeconds - before.GcPauseSeconds)),
            };
        }

        return json;
    }

    /// <summary>The JSON text.</summary>
    public string ToJsonText() => ToJson().ToJsonString(Indented);

    /// <summary>The table.</summary>
    public string ToTable()
    {
        var members = joins.Members;
        var transports = joins.Transports;
        var latency = media.Latency;
        var lag = media.Lag;
        var table = new StringBuilder();
        Row("rooms, publishers, subscribers", $"{options.Rooms}, {options.Publishers}, {options.Subscribers} a room");
        Row("streams with packets", $"{media.Streams:N0} of {options.Consumers:N0}");
        Row("packets received", $"{media.Received:N0} in {seconds:0.0} s: {media.Received / seconds:N0}/s, {media.ReceivedBytes * 8 / seconds / 1_000_000:N1} Mbit/s");
        Row("packets lost", $"{media.Lost:N0} of {media.Expected:N0}: {media.LossPercent:0.000}%");
        Row("one-way latency p50/p99/p99.9/max", $"{latency.Percentile(0.5) / 10}/{latency.Percentile(0.99) / 10}/{latency.Percentile(0.999) / 10}/{latency.Max / 10} µs, arrival {media.Arrival}");
        Row("generator lag p50/p99/p99.9/max", $"{lag.Percentile(0.5)}/{lag.Percentile(0.99)}/{lag.Percentile(0.999)}/{lag.Max} µs, {media.FramesLeftOut:N0} frames left out");
        Row("members joined", $"{members.Count:N0} in {joinSeconds:0.0} s, {joins.Failures} failures, {churned} replaced");
        Row("join p50/p99", $"{members.Percentile(0.5) / 10_000d:0.0}/{members.Percentile(0.99) / 10_000d:0.0} ms; of that ICE and DTLS {transports.Percentile(0.5) / 10_000d:0.0}/{transports.Percentile(0.99) / 10_000d:0.0} ms a transport");
        if (before is not null && after is not null)
        {
            Row("server CPU", $"{(after.CpuSeconds - before.CpuSeconds) / seconds:0.000} cores: {ServerMicrosecondsPerPacket:0.00} µs a packet");
            Row("server memory", $"{after.MemoryBytes / (1 << 20):N1} MB with {after.Transports:N0} transports");
            Row("server sends", $"{(after.Datagrams - before.Datagrams) / (after.SendMessages - before.SendMessages):0.00} datagrams a message");
            Row("server drops", $"{after.SendFailures - before.SendFailures:N0} not sent, {after.QueueOverflows - before.QueueOverflows:N0} not read in time");
            Row("server allocations", $"{after.WorkerAllocated - before.WorkerAllocated:N0} bytes on the media threads; {after.LockContentions - before.LockContentions:N0} waits for locks in the process");
            Row("server compiling", $"{after.CompileSeconds - before.CompileSeconds:0.00} s of hot code anew");
            Row("server collections", $"{after.GcCollections - before.GcCollections:N0}, {1_000 * (after.GcPauseSeconds - before.GcPauseSeconds):0.0} ms of pauses");
        }
        else
        {
            Row("server", $"gave no metrics");
        }

        Row("generator", $"{OwnCpuSeconds / seconds:0.000} cores, {media.SendFailures:N0} not sent, {media.ReportsSent:N0} reports{(options.Gro ? ", receiving with UDP_GRO" : "")}");
        if (joins.FirstFailure is { } failure)
        {
            Row("first failure", $"{failure}");
        }

        return table.ToString();

        void Row(string name, FormattableString value) => table.Append(CultureInfo.InvariantCulture, $"{name,-34} ").AppendLine(value.ToString(CultureInfo.InvariantCulture));
    }

    private static JsonObject Percentiles(LatencyHistogram histogram, double unit) => new()
    {
        ["p50"] = Round(histogram.Percentile(0.5) / unit),
        ["p99"] = Round(histogram.Percentile(0.99) / unit),
        ["p999"] = Round(histogram.Percentile(0.999) / unit),
        ["max"] = Round(histogram.Max / unit),
    };

    /// <summary>Three decimals; what is not known is null, because JSON has no NaN.</summary>
    private static JsonNode? Round(double value) => double.IsFinite(value) ? JsonValue.Create(Math.Round(value, 3)) : null;
}
