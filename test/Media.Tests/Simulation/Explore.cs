using System.Globalization;
using Xunit.Abstractions;

namespace VoiceCluster.Media.Tests.Simulation;

public class Explore(ITestOutputHelper output)
{
    private const long Second = SimulcastScene.Second;

    [Theory]
    [InlineData("calm", 0, 0, 0, 0.0, 0)]
    [InlineData("loss2", 0, 0, 0, 0.02, 0)]
    [InlineData("late500", 0, 0, 0, 0, 500)]
    [InlineData("receiver", 200, 0, 0, 0, 0)]
    [InlineData("receiver400", 400, 0, 0, 0, 0)]
    [InlineData("node", 0, 200, 0, 0, 0)]
    [InlineData("node400", 0, 400, 0, 0, 0)]
    [InlineData("sender", 0, 0, 400, 0, 0)]
    [InlineData("all200", 200, 200, 200, 0, 0)]
    [InlineData("all400", 400, 400, 400, 0, 0)]
    [InlineData("all700", 700, 700, 700, 0, 0)]
    [InlineData("all400loss", 400, 400, 400, 0.02, 0)]
    public void Profile(string name, int receiver, int node, int sender, double loss, int late)
    {
        for (var seed = 1; seed <= 12; seed++)
        {
            var scene = new SimulcastScene();
            var bad = scene.Join("bad", 3_000_000);
            var good = scene.Join("good", 20_000_000);
            if (sender > 0) { scene.SenderStalls = new Stalls(seed, 3, sender * 1000L); }
            if (node > 0) { scene.NodeStalls = new Stalls(seed + 100, 3, node * 1000L); }
            if (receiver > 0) { bad.Stalls = new Stalls(seed + 200, 3, receiver * 1000L); good.Stalls = new Stalls(seed + 200, 3, receiver * 1000L); }
            bad.Loss = good.Loss = loss; bad.Reseed(seed);
            var random = new Random(seed);
            if (late > 0) { bad.ReportDelay = good.ReportDelay = () => random.Next(4) == 0 ? late * 1000L : 0; }
            scene.Run(10 * Second);
            var s = $"{name} {seed}: start {bad.Layer}/{good.Layer}";
            good.LowestLayer = 2; good.LongestGap = 0; bad.LongestGap = 0;
            bad.HasStarved = good.HasStarved = false;
            s += Go(300_000, 0, 12);
            var gap = bad.LongestGap; bad.LongestGap = 0;
            bad.LowestLayer = 2; good.LongestGap = good.LongestGap;
            scene.Run(5 * Second);
            s += $" keep {bad.Layer} est {bad.Transport.Stats.AvailableOutgoingBitrate / 1000}";
            var gapk = bad.LongestGap; bad.LongestGap = 0;
            s += Go(1_500_000, 1, 20);
            scene.Run(5 * Second);
            var gap2 = bad.LongestGap; bad.LongestGap = 0;
            bad.LowestLayer = 2;
            scene.Run(20 * Second);
            s += $" stays {bad.LowestLayer}-{bad.Layer}";
            s += string.Create(CultureInfo.InvariantCulture, $" gaps {gap / 1000} {gapk / 1000} {gap2 / 1000} {bad.LongestGap / 1000} starved {bad.HasStarved}/{good.HasStarved}; good lowest {good.LowestLayer} gap {good.LongestGap / 1000} est {good.Transport.Stats.AvailableOutgoingBitrate / 1000} drop {bad.Down.Dropped}");
            output.WriteLine(s);

            string Go(long rate, int layer, int seconds)
            {
                bad.Down.Rate = rate;
                var start = scene.Now;
                while (bad.Layer != layer && scene.Now - start < seconds * Second) { scene.Run(10_000); }
                return string.Create(CultureInfo.InvariantCulture, $" {(bad.Layer == layer ? "" : "NOT ")}to {layer} in {(scene.Now - start) / 1e6:F1}");
            }
        }
    }
}
