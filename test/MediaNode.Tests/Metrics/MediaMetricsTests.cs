using VoiceCluster.MediaNode.Tests.Control;

namespace VoiceCluster.MediaNode.Tests.Metrics;

public sealed class MediaMetricsTests
{
    [Fact]
    public async Task Sums_WhenAskedFor_HaveEveryPacket()
    {
        await using var node = await SpreadNode.StartAsync(workers: 2);
        var people = new[] { await node.JoinAsync("alice"), await node.JoinAsync("bob") };
        for (var round = 1; round <= 5; round++)
        {
            var until = people[0].Speaker.Sent + 20;
            SpreadNode.RunUntil(() => people[0].Speaker.Run() && people[0].Speaker.Sent >= until, people);
            SpreadNode.RunUntil(() => node.Ask("alice", s => s.RtpPacketsReceived) == people[0].Speaker.Sent, people);
            foreach (var worker in node.Runtime.Workers)
            {
                Assert.True(await worker.SumAsync(TimeSpan.FromSeconds(30), CancellationToken.None));
            }

            Assert.Equal(people[0].Speaker.Sent, node.Runtime.Workers.Sum(w => w.Worker.Stats.Media.RtpPacketsReceived));
        }

        // A worker that has ended answers nothing, and nobody waits for it.
        await node.Runtime.Workers[1].DisposeAsync();
        Assert.False(await node.Runtime.Workers[1].SumAsync(TimeSpan.FromSeconds(30), CancellationToken.None));
    }
}
