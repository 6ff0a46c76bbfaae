using System.Diagnostics;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Calls of browser pages that are recorded: what is in the files, and what a killed media node leaves.</summary>
[Collection(ClusterGroup.Name)]
public sealed class RecordingTests(ClusterFixture fixture, ITestOutputHelper output) : IDisposable
{
    /// <summary>Seconds by which sound and picture may differ, and a file's duration from the wall clock.</summary>
    private const double LipSync = 0.080;
    private const double Clock = 0.100;

    private readonly string _directory = Directory.CreateTempSubdirectory("recording-tests-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task CallOfThree_WithARejoin_GivesFilesThatPlayInTime()
    {
        await using var film = await fixture.OpenHarnessAsync();
        await using var first = await fixture.OpenHarnessAsync();
        await using var second = await fixture.OpenHarnessAsync();
        using var call = new CallRecorder(fixture.Server.Url);
        await call.CreateAsync("ann", "bob", "eve");
        var ann = new FilmedPeer(film);
        await ann.JoinAsync(call.Room, "ann");
        await first.JoinAsync(call.Room, 500, user: "bob", video: true);
        var eve = await second.JoinAsync(call.Room, 800, user: "eve");
        await eve.HearsExactlyAsync(500, 1000);

        var asked = Stopwatch.GetTimestamp();
        await call.StartAsync("ann");
        var started = Stopwatch.GetTimestamp();
        await ann.WaitForFramesAsync(150);
        await eve.LeaveAsync();
        await ann.WaitForFramesAsync(300);
        await second.JoinAsync(call.Room, 800, user: "eve");
        await ann.WaitForFramesAsync(450);
        var stopping = Stopwatch.GetTimestamp();
        await call.StopAsync("ann");
        var stopped = Stopwatch.GetTimestamp();

        var files = await call.FilesAsync("eve", f => f.Length >= 6);
        var (most, least) = (Seconds(asked, stopped), Seconds(started, stopping));
        var timed = 0;
        foreach (var file in files)
        {
            var (name, kind) = (file.GetProperty("name").GetString()!, file.GetProperty("kind").GetString());
            var path = await call.DownloadAsync(file, "eve", _directory);
            var duration = await RecordedFilm.AssertCleanAsync(path);
            output.WriteLine($"{name}: {duration:F3} s, wall clock {least:F3} to {most:F3} s");

            // Eve was away for a while, and a film begins with its first key frame.
            if (kind == "mix" || (kind == "audio" && file.GetProperty("participantId").GetString() is "ann" or "bob"))
            {
                timed++;
                Assert.InRange(duration, least - Clock, most + Clock);
            }
        }

        Assert.Equal(3, timed);
        var filmed = files.Single(f => f.GetProperty("kind").GetString() == "video" && f.GetProperty("participantId").GetString() == "ann");
        await AssertLipSyncAsync(Path.Combine(_directory, filmed.GetProperty("name").GetString()!), 8);
    }

    [Fact]
    public async Task MediaNode_KilledInACallOfThreeWithARejoin_LeavesFilesThatPlay_AndTheRecordingGoesOn()
    {
        await using var cluster = await LocalCluster.StartAsync();
        try
        {
            await using var film = await fixture.OpenHarnessAsync(cluster.Frontends[0]);
            await using var other = await fixture.OpenHarnessAsync(cluster.Frontends[1]);
            using var call = new CallRecorder(cluster.Frontends[1]);
            await call.CreateAsync("ann", "bob", "eve");
            var ann = new FilmedPeer(film);
            await ann.JoinAsync(call.Room, "ann");
            var bob = await other.JoinAsync(call.Room, 500, user: "bob");
            var eve = await other.JoinAsync(call.Room, 800, user: "eve");
            await call.StartAsync("ann");
            await ann.WaitForFramesAsync(100);
            await eve.LeaveAsync();
            await bob.HearsExactlyAsync(1000);
            eve = await other.JoinAsync(call.Room, 800, user: "eve");
            await bob.HearsExactlyAsync(800, 1000);
            await ann.WaitForFramesAsync(200);
            await call.FilesOfAsync("bob", f => f.Length >= 5);

            // The node is killed; the room moves, bob's and eve's clients follow, ann makes a new connection.
            var node = await cluster.RoomsOfAsync(1) > 0 ? 1 : 2;
            await cluster.KillAsync($"media-{node}");
            await other.WaitAsync("hasEvent", [bob.Key, "media-moved"], bob);
            await other.WaitAsync("hasEvent", [eve.Key, "media-moved"], eve);
            await ann.CloseAsync();
            await ann.JoinAsync(call.Room, "ann");
            await bob.HearsExactlyAsync(800, 1000);
            await ann.WaitForFramesAsync(200);
            await call.FilesOfAsync("bob", f => f.Length >= 9);
            await call.StopAsync("ann");

            // The killed node comes back and has whole files again.
            await cluster.StartAsync($"media-{node}");
            var files = await call.FilesAsync("bob", f => f.Length >= 9);
            foreach (var file in files)
            {
                var path = await call.DownloadAsync(file, "bob", _directory);
                output.WriteLine($"{file.GetProperty("name")}: {await RecordedFilm.AssertCleanAsync(path):F3} s");
            }

            var films = files.Where(f => f.GetProperty("kind").GetString() == "video").ToArray();
            Assert.Equal(2, films.Length);
            foreach (var one in films)
            {
                await AssertLipSyncAsync(Path.Combine(_directory, one.GetProperty("name").GetString()!), 2);
            }
        }
        catch
        {
            output.WriteLine(cluster.Logs());
            throw;
        }
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;

    private async Task AssertLipSyncAsync(string path, int least)
    {
        var (flashes, beeps) = (await RecordedFilm.FlashesAsync(path), await RecordedFilm.BeepsAsync(path));
        var apart = (from flash in flashes
                     let nearest = beeps.MinBy(b => Math.Abs(b - flash))
                     where Math.Abs(nearest - flash) < 0.4
                     select nearest - flash).Order().ToArray();
        output.WriteLine($"{Path.GetFileName(path)}: {flashes.Length} flashes, {beeps.Length} beeps; sound after picture by {string.Join(' ', apart.Select(a => $"{a * 1_000:F0}"))} ms");
        Assert.True(apart.Length >= least, $"{apart.Length} flashes have a beep");
        Assert.InRange(apart[apart.Length / 2], -LipSync, LipSync);
    }
}
