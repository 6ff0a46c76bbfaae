using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Tests.Recording;
using VoiceCluster.MediaNode.Recording;
using VoiceCluster.MediaNode.Tests.Control;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Recording;

/// <summary>Recordings on a node: commands in, files and reports out.</summary>
public sealed class RecordingNodeTests : IDisposable
{
    private static readonly RecordingPlan Plan = new(true, true, true, TimeSpan.FromHours(1), 1L << 30);

    private static readonly byte[] Ssrc = [0, 0, 0, 7];

    private readonly string _directory = Directory.CreateTempSubdirectory("recordings").FullName;
    private readonly Guid _id = Guid.NewGuid();
    private ushort _sequence;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task StartAndStop_WriteFilesAndReportThem()
    {
        await using var node = await StartAsync();
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        await SpeakAsync(node, 60);
        await ReportedAsync(node, r => r is { Status: RecordingStatus.Recording, Files.Length: 2 });
        await node.RunAsync<MediaDone>(new StopRecording(_id));
        await node.RunAsync<MediaDone>(new StopRecording(_id));
        var last = await ReportedAsync(node, r => r.Status == RecordingStatus.Stopped);

        Assert.Equal(["alice", null], last.Files.OrderBy(f => f.Kind).Select(f => f.ParticipantId));
        Assert.All(last.Files, f => Assert.True(f is { IsComplete: true, Size: > 100, ContentType: "audio/ogg" } && f.Duration > TimeSpan.FromSeconds(1)));
        Assert.All(last.Files, f => Assert.StartsWith($"http://127.0.0.1:8089/recordings/{_id:N}/", f.Url));
        foreach (var file in last.Files)
        {
            var bytes = await File.ReadAllBytesAsync(node.Shelf!.Find(_id, file.Name)!);
            Assert.Equal(file.Size, bytes.Length);
            var ogg = new OggReader(bytes);
            ogg.AssertGranules();
            Assert.True(ogg.Ended);
            Assert.Equal(file.Duration.TotalMilliseconds, ogg.Samples / 48d, 1d);
        }

        Assert.Equal(0, node.Writer!.Count);
    }

    [Fact]
    public async Task Grain_TakingTheRoomOver_LeavesTheRecorderAlone()
    {
        await using var node = await StartAsync();
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        var adopted = (await node.Control.AdoptAsync(node.Header("r", 2), ["alice"])).Value!;
        Assert.Empty(adopted.Consumers);
        var reconciled = await node.Control.ReconcileAsync(
            node.Header("r", 2), new DesiredRoom([new DesiredTransport("a", "alice")], [new DesiredProducer("p", "a", false)], []));
        Assert.Null(reconciled.Fault);
        await SpeakAsync(node, 20);
        await node.RunAsync<MediaDone>(new StopRecording(_id), epoch: 2);
        Assert.Equal(2, (await ReportedAsync(node, r => r.Status == RecordingStatus.Stopped)).Files.Length);
    }

    [Fact]
    public async Task RoomClosed_EndsTheFilesButNotTheRecording()
    {
        await using var node = await StartAsync();
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        await SpeakAsync(node, 20);
        await node.RunAsync<MediaDone>(new CloseRoom());
        var last = await ReportedAsync(node, r => r.Files.Length == 2 && r.Files.All(f => f.IsComplete));
        Assert.Equal(RecordingStatus.Recording, last.Status);

        // The room comes back: another stretch, whose files have names of their own.
        await SpeakerAsync(node, epoch: 2);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan), epoch: 2);
        await SpeakAsync(node, 20);
        await node.RunAsync<MediaDone>(new StopRecording(_id), epoch: 2);
        last = await ReportedAsync(node, r => r.Status == RecordingStatus.Stopped);
        Assert.Equal(4, last.Files.Select(f => f.Name).Distinct().Count());
        Assert.All(last.Files, f => Assert.True(f.IsComplete));
    }

    [Fact]
    public async Task DirectoryThatCannotBeWritten_FailsTheRecordingAndNothingElse()
    {
        var file = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(file, "");
        await using var node = await StartAsync(Path.Combine(file, "below"));
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        var failed = await ReportedAsync(node, r => r.Status == RecordingStatus.Failed);
        Assert.StartsWith("The file could not be written: ", failed.Error);
        await SpeakAsync(node, 5);
        Assert.Equal((0, 1), (node.Writer!.Count, node.Writer.Failures));

        // The grain may repeat the command: it is not begun again.
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        Assert.Equal(0, node.Writer.Count);
    }

    [Fact]
    public async Task NodeThatDoesNotRecord_SaysSo()
    {
        await using var without = await StartAsync("");
        await without.RefusedAsync(FaultCode.Unsupported, new StartRecording(_id, Plan));
        await using var node = await NodeFixture.StartAsync();
        await node.RefusedAsync(FaultCode.Unsupported, new StartRecording(_id, Plan));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Limit_EndsTheRecordingAsStopped(bool ofTime)
    {
        await using var node = await StartAsync();
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, ofTime ? Plan with { MaxDuration = TimeSpan.FromMilliseconds(300) } : Plan with { MaxBytes = 600 }));
        var speaking = SpeakAsync(node, 100);
        var last = await ReportedAsync(node, r => r.Status == RecordingStatus.Stopped);
        Assert.All(last.Files, f => Assert.True(f.IsComplete));
        await speaking;
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        Assert.Equal(0, node.Writer!.Count);
    }

    [Fact]
    public async Task FilesOfACrash_AreRepairedAndReportedAtTheNextStart()
    {
        var (kept, name, root) = (Path.Combine(_directory, "kept"), "", "");
        var options = new MediaNodeOptions { PortRange = "21000-21999", Workers = 1, Name = "node 1" };
        await using (var node = await StartAsync(options: options))
        {
            root = node.Shelf!.Root!;
            Assert.Equal(Path.Combine(_directory, "node_1"), root);
            await SpeakerAsync(node);
            await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
            await SpeakAsync(node, 100);
            name = (await ReportedAsync(node, r => r.Files.Length == 2)).Files.Single(f => f.ParticipantId == "alice").Name;

            // As a kill at this moment would leave it.
            Directory.CreateDirectory(kept);
            foreach (var file in Directory.EnumerateFiles(Path.Combine(root, _id.ToString("N"))))
            {
                File.Copy(file, Path.Combine(kept, Path.GetFileName(file)));
            }
        }

        Directory.Delete(Path.Combine(root, _id.ToString("N")), recursive: true);
        Directory.Move(kept, Path.Combine(root, _id.ToString("N")));
        Assert.False(new OggReader(await File.ReadAllBytesAsync(Path.Combine(root, _id.ToString("N"), name))).Ended);

        await using var next = await StartAsync(options: options);
        var report = await ReportedAsync(next, r => r.Files.Length == 2);
        Assert.Equal(RecordingStatus.Recording, report.Status);
        Assert.All(report.Files, f => Assert.True(f.IsComplete));
        var repaired = new OggReader(await File.ReadAllBytesAsync(next.Shelf!.Find(_id, name)!));
        Assert.True(repaired.Ended);
        Assert.InRange(repaired.Samples, 9_600, 48_000 * 60);
    }

    [Fact]
    public async Task DeletedRecording_LosesItsFilesHere()
    {
        await using var node = await StartAsync();
        await SpeakerAsync(node);
        await node.RunAsync<MediaDone>(new StartRecording(_id, Plan));
        await SpeakAsync(node, 10);
        await node.RunAsync<MediaDone>(new StopRecording(_id));
        await ReportedAsync(node, r => r.Status == RecordingStatus.Stopped);
        Assert.Equal([_id], node.Shelf!.List());

        // A grain that knows nothing of it may be that of another cluster: only one that deleted it says so.
        node.RecordingAnswer = new Fault(FaultCode.NotFound, "unknown");
        var before = node.Recordings.Count;
        node.RecordingReports!.ReportAll();
        await UntilAsync(() => node.Recordings.Count > before);
        Assert.Equal([_id], node.Shelf.List());

        node.RecordingAnswer = new Fault(FaultCode.Gone, "deleted");
        node.RecordingReports!.ReportAll();
        await UntilAsync(() => node.Shelf.List().Length == 0);
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("a/b.ogg")]
    [InlineData("")]
    [InlineData("a\0b")]
    public async Task Name_ThatIsNoPlainOne_IsNotFound(string name)
    {
        await using var node = await StartAsync();
        Directory.CreateDirectory(Path.Combine(node.Shelf!.Root!, _id.ToString("N"), "a"));
        foreach (var file in (string[])["secret", $"{_id:N}/.hidden", $"{_id:N}/a/b.ogg", $"{_id:N}/good.ogg"])
        {
            await File.WriteAllTextAsync(Path.Combine(node.Shelf.Root!, file), "");
        }

        Assert.Null(node.Shelf.Find(_id, name));
        Assert.NotNull(node.Shelf.Find(_id, "good.ogg"));
    }

    [Fact]
    public void Options_NameEveryFault()
    {
        var result = new RecordingOptionsValidator().Validate(null, new RecordingOptions
        {
            MaxDuration = TimeSpan.Zero,
            MaxBytes = 1,
            MaxFiles = 0,
            MaxRecordings = 0,
            QueueBytes = 1000,
            ReportEvery = TimeSpan.Zero,
        });
        foreach (var option in (string[])["MaxDuration", "MaxBytes", "MaxFiles", "MaxRecordings", "QueueBytes", "ReportEvery"])
        {
            Assert.Contains(result.Failures!, f => f.StartsWith($"Recording:{option} is ", StringComparison.Ordinal));
        }

        Assert.True(new RecordingOptionsValidator().Validate(null, new RecordingOptions()).Succeeded);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "The state did not come within 20 s.");
            await Task.Delay(10);
        }
    }

    private Task<NodeFixture> StartAsync(string? path = null, MediaNodeOptions? options = null) =>
        NodeFixture.StartAsync(options, recording: new RecordingOptions { Path = path ?? _directory, QueueBytes = 1024 * 1024 });

    private async Task<RecordingReport> ReportedAsync(NodeFixture node, Func<RecordingReport, bool> condition)
    {
        await UntilAsync(() => node.Recordings.Any(r => r.Recording == _id && condition(r.Report)));
        return node.Recordings.Last(r => condition(r.Report)).Report;
    }

    private static async Task SpeakerAsync(NodeFixture node, long epoch = 1)
    {
        await node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"), epoch: epoch);
        await node.RunAsync<MediaDone>(new CreateProducer("p", "a", MediaKind.Audio, WorkerThreadTests.AudioParameters, false), epoch: epoch);
    }

    // Packets of 20 ms at the pace of the clock, past the network.
    private async Task SpeakAsync(NodeFixture node, int packets)
    {
        for (var i = 0; i < packets; i++)
        {
            var number = ++_sequence;
            byte[] packet =
            [
                0x80, 111, (byte)(number >> 8), (byte)number, 0, (byte)((number * 960) >> 16), (byte)((number * 960) >> 8), (byte)(number * 960), .. Ssrc, 0x78, 1, 2, 3, 4,
            ];
            foreach (var worker in node.Runtime.Workers)
            {
                await worker.InvokeAsync((w, now) =>
                {
                    if (w.Routers.TryGetValue("r", out var router) && router.Transports.TryGetValue("a", out var transport))
                    {
                        transport.ReceiveRtp(packet, now);
                    }

                    return true;
                });
            }

            await Task.Delay(20);
        }
    }
}
