using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Recordings;
using VoiceCluster.Grains.Tests.Rooms;

namespace VoiceCluster.Grains.Tests.Recordings;

public sealed class RecordingTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RecordingPlan Plan = new(true, true, false, TimeSpan.FromHours(1), 1_000_000);
    private static readonly MediaNodeId Node = new("n1", Guid.NewGuid());

    [Fact]
    public void Status_NeverGoesBack()
    {
        var made = Made();
        var runs = Report(made, RecordingStatus.Recording);
        Assert.Equal((RecordingStatus.Recording, Now), (runs.Status, runs.StartedAt));
        var ended = Report(runs, RecordingStatus.Stopped);
        Assert.Equal(RecordingStatus.Stopped, Report(ended, RecordingStatus.Recording).Status);
        Assert.Equal(RecordingStatus.Stopped, Report(ended, RecordingStatus.Failed).Status);
        Assert.Equal(RecordingStatus.Failed, Report(made, RecordingStatus.Failed).Status);
        Assert.Same(ended, Recording.Stop(ended, Now));
    }

    [Fact]
    public void Files_OfANode_ReplaceItsOwnAndLeaveOthers()
    {
        var first = Report(Made(), RecordingStatus.Recording, File("a.ogg", 10), File("mix.ogg", 20));
        var moved = Recording.Report(
            first, new RecordingReport(new MediaNodeId("n2", Guid.NewGuid()), RecordingStatus.Recording, null, [File("mix-2.ogg", 5, "n2")]), Now).Value!;
        var later = Report(moved, RecordingStatus.Stopped, File("a.ogg", 30), File("mix.ogg", 40));
        Assert.Equal([("mix-2.ogg", 5), ("a.ogg", 30), ("mix.ogg", 40L)], later.Files.Select(f => (f.Name, f.Size)));
    }

    [Theory]
    [InlineData("../a.ogg")]
    [InlineData("/etc/passwd")]
    [InlineData(".hidden")]
    [InlineData("")]
    [InlineData("a\u0000b")]
    public void Report_WithANameThatIsNone_IsRefused(string name) => Assert.Equal(
        FaultCode.Invalid, Recording.Report(Made(), new RecordingReport(Node, RecordingStatus.Recording, null, [File(name, 1)]), Now).Fault?.Code);

    [Fact]
    public async Task Start_InARoomWithSomebody_CommandsTheNodeAndFollowsItToAnother()
    {
        var room = cluster.Room();
        var name = room.GetPrimaryKeyString();
        var (id, request) = (Guid.NewGuid(), new RecordingRequest(Guid.NewGuid(), name, Guid.NewGuid(), "host", Plan));
        RecordingObserver observer = new();
        Assert.Equal(FaultCode.Conflict, (await Grain(id).StartAsync(request)).Fault?.Code);
        Assert.Equal(RecordingStatus.Failed, (await Grain(id).GetAsync()).Value!.Status);

        id = Guid.NewGuid();
        await room.JoinAsync(new JoinRoom("p", Guid.NewGuid(), "1", "One", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        var started = await Grain(id).StartAsync(request);
        Assert.Equal(RecordingStatus.Starting, started.Value!.Status);
        Assert.Null((await Grain(id).StartAsync(request)).Fault);
        Assert.Contains(cluster.Node("first").CommandsSoFar(), c => c is StartRecording s && s.RecordingId == id);

        Assert.Equal(RecordingStatus.Stopped, (await Grain(id).StopAsync()).Value!.Status);
        Assert.Contains(cluster.Node("first").CommandsSoFar(), c => c is StopRecording s && s.RecordingId == id);
        Assert.Null((await Grain(id).StopAsync()).Fault);
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Recording_OfARoomThatEmpties_Stops()
    {
        var room = cluster.Room();
        var id = Guid.NewGuid();
        RecordingObserver observer = new();
        await room.JoinAsync(new JoinRoom("p", Guid.NewGuid(), "1", "One", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        await Grain(id).StartAsync(new RecordingRequest(Guid.NewGuid(), room.GetPrimaryKeyString(), Guid.NewGuid(), "host", Plan));
        await room.LeaveAsync("p", LeaveReason.Left);
        await Eventually.HoldsAsync(async () => (await Grain(id).GetAsync()).Value!.Status == RecordingStatus.Stopped, "the recording has stopped");
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Report_OfAParticipant_IsNamedByTheRoom_AlsoAfterItLeft()
    {
        var (room, id, alice) = (cluster.Room(), Guid.NewGuid(), Guid.NewGuid());
        RecordingObserver observer = new();
        var reference = cluster.Grains.CreateObjectReference<IRoomObserver>(observer);
        await room.JoinAsync(new JoinRoom("p", alice, "alice", "Alice", "peers"), reference);
        await room.JoinAsync(new JoinRoom("q", Guid.NewGuid(), "bob", "Bob", "peers"), reference);
        await Grain(id).StartAsync(new RecordingRequest(Guid.NewGuid(), room.GetPrimaryKeyString(), Guid.NewGuid(), "host", Plan));
        var mine = File("a.ogg", 10) with { UserId = null, UserText = null, IsComplete = false };
        await Grain(id).ReportAsync(new RecordingReport(Node, RecordingStatus.Recording, null, [mine, mine with { Name = "m.ogg", ParticipantId = null }]));
        await room.LeaveAsync("p", LeaveReason.Left);
        await Grain(id).ReportAsync(new RecordingReport(Node, RecordingStatus.Recording, null, [mine with { Size = 20 }, mine with { Name = "b.ogg" }]));

        var files = (await Grain(id).GetAsync()).Value!.Files;
        Assert.All(files, f => Assert.Equal((alice, "alice"), (f.UserId!.Value, f.UserText)));
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Limits_HoldOverAllNodesTogether()
    {
        var (room, id) = (cluster.Room(), Guid.NewGuid());
        RecordingObserver observer = new();
        await room.JoinAsync(new JoinRoom("p", Guid.NewGuid(), "1", "One", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        await Grain(id).StartAsync(new RecordingRequest(Guid.NewGuid(), room.GetPrimaryKeyString(), Guid.NewGuid(), "host", Plan));
        await Grain(id).ReportAsync(new RecordingReport(Node, RecordingStatus.Recording, null, [File("a.ogg", 600_000)]));
        Assert.Equal(RecordingStatus.Recording, (await Grain(id).GetAsync()).Value!.Status);
        await Grain(id).ReportAsync(new RecordingReport(new MediaNodeId("n2", Guid.NewGuid()), RecordingStatus.Recording, null, [File("b.ogg", 600_000, "n2")]));
        Assert.Equal(RecordingStatus.Stopped, (await Grain(id).GetAsync()).Value!.Status);
        Assert.Contains(cluster.Node("first").CommandsSoFar(), c => c is StopRecording s && s.RecordingId == id);
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Recording_ThatTheNodeEnds_IsForgottenByTheRoom()
    {
        var (room, id) = (cluster.Room(), Guid.NewGuid());
        RecordingObserver observer = new();
        await room.JoinAsync(new JoinRoom("p", Guid.NewGuid(), "1", "One", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        await Grain(id).StartAsync(new RecordingRequest(Guid.NewGuid(), room.GetPrimaryKeyString(), Guid.NewGuid(), "host", Plan));
        await Grain(id).ReportAsync(new RecordingReport(Node, RecordingStatus.Failed, "The disk is full.", []));
        Assert.Equal((RecordingStatus.Failed, "The disk is full."), ((await Grain(id).GetAsync()).Value!.Status, (await Grain(id).GetAsync()).Value!.Error));
        Assert.Contains(cluster.Node("first").CommandsSoFar(), c => c is StopRecording s && s.RecordingId == id);
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Deleted_TellsItsNodesSo()
    {
        var (room, id) = (cluster.Room(), Guid.NewGuid());
        RecordingObserver observer = new();
        await room.JoinAsync(new JoinRoom("p", Guid.NewGuid(), "1", "One", "peers"), cluster.Grains.CreateObjectReference<IRoomObserver>(observer));
        await Grain(id).StartAsync(new RecordingRequest(Guid.NewGuid(), room.GetPrimaryKeyString(), Guid.NewGuid(), "host", Plan));
        Assert.Equal(FaultCode.Conflict, (await Grain(id).DeleteAsync()).Fault?.Code);
        await Grain(id).StopAsync();
        Assert.Null((await Grain(id).DeleteAsync()).Fault);
        Assert.Null((await Grain(id).DeleteAsync()).Fault);
        Assert.Equal(FaultCode.Gone, (await Grain(id).GetAsync()).Fault?.Code);
        Assert.Equal(FaultCode.Gone, (await Grain(id).ReportAsync(new RecordingReport(Node, RecordingStatus.Recording, null, []))).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await Grain(Guid.NewGuid()).DeleteAsync()).Fault?.Code);
        GC.KeepAlive(observer);
    }

    [Fact]
    public async Task Report_OfAnUnknownRecording_IsNotFound() =>
        Assert.Equal(FaultCode.NotFound, (await Grain(Guid.NewGuid()).ReportAsync(new RecordingReport(Node, RecordingStatus.Recording, null, []))).Fault?.Code);

    private static RecordingInfo Made() => Recording.Create(Guid.NewGuid(), new RecordingRequest(Guid.NewGuid(), "r", Guid.NewGuid(), "u", Plan), Now);

    private static RecordingInfo Report(RecordingInfo recording, RecordingStatus status, params RecordingFile[] files) =>
        Recording.Report(recording, new RecordingReport(Node, status, null, files), Now).Value!;

    private static RecordingFile File(string name, long size, string node = "n1") =>
        new(name, RecordingFileKind.Audio, "p", Guid.NewGuid(), "u", "audio/ogg", size, TimeSpan.FromSeconds(1), Now, true, node, "http://n/f");

    private IRecordingGrain Grain(Guid id) => cluster.Grains.GetGrain<IRecordingGrain>(id);
}
