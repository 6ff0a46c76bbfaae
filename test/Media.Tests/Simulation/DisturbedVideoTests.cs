using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>
/// Layers follow the network, and not the processor: links that fall and rise while packets are lost, reports come late, and the
/// sender, the node and the receivers get no processor for a while, again and again. Times are the simulation's.
/// </summary>
public class DisturbedVideoTests
{
    private const long Second = SimulcastScene.Second;
    private const int Seeds = 5;

    /// <param name="name">What is disturbed.</param>
    /// <param name="receivers">Milliseconds of the longest stall of both receivers, three a second.</param>
    /// <param name="node">The same of the node.</param>
    /// <param name="sender">The same of the sender.</param>
    /// <param name="loss">Share of packets lost.</param>
    /// <param name="late">Milliseconds by which one report in four is late.</param>
    /// <param name="longestGap">Milliseconds that the picture may stand still while the link falls.</param>
    [Theory]
    [InlineData("nothing", 0, 0, 0, 0, 0, 500)]
    [InlineData("losses", 0, 0, 0, 0.02, 0, 1_000)]
    [InlineData("late reports", 0, 0, 0, 0, 500, 1_000)]
    [InlineData("receivers", 200, 0, 0, 0, 0, 1_000)]
    [InlineData("node", 0, 200, 0, 0, 0, 1_000)]
    [InlineData("sender", 0, 0, 400, 0, 0, 1_000)]
    [InlineData("all", 150, 150, 150, 0.01, 0, 1_000)]
    public void Link_FallsAndRises_TheLayerFollowsAndTheOtherKeepsTheBest(
        string name, int receivers, int node, int sender, double loss, int late, int longestGap)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var (scene, bad, good) = Disturb(seed, receivers, node, sender, loss, late);
            scene.Run(10 * Second);
            Assert.True(bad.Layer == 2 && good.Layer == 2, $"{name} {seed}: {bad}; {good}");
            (good.LowestLayer, good.LongestGap, bad.LongestGap) = (2, 0, 0);

            bad.Down.Rate = 300_000;
            scene.RunUntil(() => bad.Layer == 0, 3, () => $"{name} {seed}: {bad}");
            Assert.True(bad.LongestGap < longestGap * 1_000, $"{name} {seed}: the picture stood still for {bad.LongestGap} µs");
            bad.LongestGap = 0;
            scene.Run(5 * Second);
            Assert.True(bad.LongestGap < Second, $"{name} {seed}: the picture stood still for {bad.LongestGap} µs on the narrow link");

            bad.Down.Rate = 1_500_000;
            scene.RunUntil(() => bad.Layer == 1, 8, () => $"{name} {seed}: {bad}");
            bad.LongestGap = 0;
            scene.Run(15 * Second);
            Assert.True(bad.LongestGap < Second, $"{name} {seed}: the picture stood still for {bad.LongestGap} µs");
            Assert.False(bad.HasStarved || good.HasStarved, $"{name} {seed}");
            Assert.Equal(2, good.LowestLayer);
            Assert.True(good.LongestGap < Second, $"{name} {seed}: the other's picture stood still for {good.LongestGap} µs");
        }
    }

    [Fact]
    public void Processor_IsShortEverywhere_NoPictureGoesAway()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var (scene, bad, good) = Disturb(seed, 400, 400, 400, 0.02, 0);
            scene.Run(10 * Second);
            (good.LongestGap, bad.LongestGap) = (0, 0);
            bad.Down.Rate = 300_000;
            scene.Run(20 * Second);
            bad.Down.Rate = 1_500_000;
            scene.RunUntil(() => bad.Layer >= 1, 20, () => $"{seed}: {bad}");
            scene.Run(10 * Second);
            Assert.False(bad.HasStarved || good.HasStarved, $"{seed}");
            Assert.True(Math.Max(bad.LongestGap, good.LongestGap) < 2 * Second, $"{seed}: {bad.LongestGap} and {good.LongestGap} µs");
        }
    }

    [Theory]
    [InlineData(3_000_000, 2)]
    [InlineData(1_000_000, 1)]
    [InlineData(250_000, 0)]
    public void Sound_FirstAlone_ThePictureThatComesLaterFindsItsLayer(long rate, int layer)
    {
        var scene = new SimulcastScene();
        scene.Join("other", 20_000_000);
        var viewer = scene.Join("viewer", rate, video: false);
        scene.Run(10 * Second);
        Assert.Equal(0, viewer.AudioLost);
        viewer.Watch();
        scene.RunUntil(() => viewer.Layer == layer, 8, viewer.ToString);
        (viewer.LongestGap, viewer.WorstAudioDelay) = (0, 0);
        scene.Run(10 * Second);
        Assert.Equal(layer, viewer.Layer);
        Assert.False(viewer.HasStarved);
        Assert.True(viewer.LongestGap < Second / 2, $"the picture stood still for {viewer.LongestGap} µs");
    }

    [Fact]
    public void Pictures_Many_ShareANarrowLinkWithoutAPause()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", 6_000_000);
        var others = Enumerable.Range(0, 7).Select(i => viewer.Transport.Consume($"more-{i}", "video", Router.RtpCapabilities, false, scene.Now).Value!).ToArray();
        scene.Run(15 * Second);
        Assert.All(others.Append(viewer.Video!), c => Assert.InRange(c.CurrentSpatialLayer, 1, 2));

        // Room for the lowest layer of each, and not even for all of that.
        foreach (var rate in (long[])[1_600_000, 700_000])
        {
            viewer.Down.Rate = rate;
            scene.RunUntil(() => others.Append(viewer.Video!).All(c => c.CurrentSpatialLayer == 0), 5, viewer.ToString);
            scene.Run(15 * Second);
            Assert.All(others.Append(viewer.Video!), c => Assert.False(c.IsStarved));
        }

        viewer.Down.Rate = 20_000_000;
        scene.RunUntil(() => others.Append(viewer.Video!).All(c => c.CurrentSpatialLayer == 2), 20, viewer.ToString);
    }

    [Fact]
    public void Link_FallsToWhatTheLowestLayerTakes_ThePictureStays()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var (scene, bad, _) = Disturb(seed, 100, 100, 100, 0, 0);
            scene.Run(10 * Second);
            bad.Down.Rate = 240_000;
            scene.Run(5 * Second);
            bad.LongestGap = 0;
            scene.Run(30 * Second);
            Assert.False(bad.HasStarved, $"{seed}: {bad}");
            Assert.True(bad.LongestGap < Second, $"{seed}: the picture stood still for {bad.LongestGap} µs");
        }
    }

    private static (SimulcastScene Scene, SimulcastScene.Viewer Bad, SimulcastScene.Viewer Good) Disturb(
        int seed, int receivers, int node, int sender, double loss, int late)
    {
        var scene = new SimulcastScene { SenderStalls = Stall(sender, 0), NodeStalls = Stall(node, 100) };
        var bad = scene.Join("bad", 3_000_000);
        var good = scene.Join("good", 20_000_000);
        var reports = new Random(seed);
        foreach (var viewer in (SimulcastScene.Viewer[])[bad, good])
        {
            viewer.Stalls = Stall(receivers, 200);
            viewer.Loss = loss;
            viewer.Reseed(seed);
            viewer.ReportDelay = () => late > 0 && reports.Next(4) == 0 ? late * 1_000L : 0;
        }

        return (scene, bad, good);

        Stalls? Stall(int milliseconds, int stream) => milliseconds == 0 ? null : new Stalls(seed + stream, perSecond: 3, longest: milliseconds * 1_000L);
    }
}
