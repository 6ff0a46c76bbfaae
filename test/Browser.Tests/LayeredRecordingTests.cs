using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>A camera that sends VP9 with three spatial layers in one stream, as it is recorded.</summary>
[Collection(ClusterGroup.Name)]
public sealed class LayeredRecordingTests(ClusterFixture cluster, ITestOutputHelper output) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("recording-tests-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("L3T3_KEY")]
    [InlineData("L3T3")]
    public async Task SvcCamera_IsRecordedWithItsLargestPictureInEveryFrame(string mode)
    {
        await using var senders = await cluster.OpenHarnessAsync();
        await using var viewers = await cluster.OpenHarnessAsync();
        using var call = new CallRecorder(cluster.Server.Url);
        await call.CreateAsync("ann", "bob");
        await senders.JoinAsync(call.Room, svc: mode, user: "ann");
        var bob = await viewers.JoinAsync(call.Room, user: "bob");
        await viewers.WaitAsync("videoPlays", [bob.Key, 960], bob);
        await call.StartAsync("ann");
        await call.FilesOfAsync("bob", f => f.Any(x => x.GetProperty("kind").GetString() == "video"));
        var seen = Assert.Single(await bob.SeesAsync()).GetProperty("frames").GetInt32();
        await viewers.WaitAsync("framesSeen", [bob.Key, seen + 100], bob);
        await call.StopAsync("ann");

        var films = (await call.FilesAsync("bob", f => f.Length >= 1)).Where(f => f.GetProperty("kind").GetString() == "video").ToArray();
        var path = await call.DownloadAsync(Assert.Single(films), "bob", _directory);
        output.WriteLine($"{await RecordedFilm.AssertCleanAsync(path):F3} s");
        var sizes = await RecordedFilm.SizesAsync(path);
        output.WriteLine(string.Join(' ', sizes.CountBy(s => s).Select(s => $"{s.Value} of {s.Key}")));
        Assert.Equal("960x540", Assert.Single(sizes.Distinct()));
        Assert.True(sizes.Length > 80, $"{sizes.Length} frames");
    }
}
