using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>Each receiver gets the layers that its network carries.</summary>
public class AdaptiveVideoTests
{
    private const long Second = SimulcastScene.Second;

    [Fact]
    public void Simulcast_OneViewersLinkFallsAndRises_ItsLayerFollowsAndTheOtherKeepsTheBest()
    {
        var scene = new SimulcastScene();
        var bad = scene.Join("bad", 3_000_000);
        var good = scene.Join("good", 20_000_000);
        scene.Run(10 * Second);
        Assert.Equal((2, 2), (bad.Layer, good.Layer));
        (good.LowestLayer, good.LongestGap) = (2, 0);

        bad.Down.Rate = 300_000;
        bad.LongestGap = 0;
        scene.RunUntil(() => bad.Layer == 0, 3, bad.ToString);
        scene.Run(3 * Second);
        var (gap, lost) = (bad.LongestGap, bad.AudioLost);

        // The fall itself costs what was in the queue; then sound comes whole and in time.
        bad.WorstAudioDelay = 0;
        scene.Run(10 * Second);
        Assert.Equal(0, bad.Layer);
        Assert.True(bad.WorstAudioDelay < 250_000, $"sound came {bad.WorstAudioDelay} µs late");
        Assert.Equal(lost, bad.AudioLost);

        bad.Down.Rate = 1_500_000;
        scene.RunUntil(() => bad.Layer == 1, 8, bad.ToString);
        scene.Run(10 * Second);
        Assert.Equal(1, bad.Layer);
        Assert.Equal(lost, bad.AudioLost);
        Assert.True(gap < Second / 2, $"the picture stood still for {gap} µs");

        bad.Down.Rate = 3_000_000;
        scene.RunUntil(() => bad.Layer == 2, 8, bad.ToString);

        Assert.Equal(2, good.LowestLayer);
        Assert.Equal(0, good.AudioLost);
        Assert.True(good.LongestGap < 200_000, $"the other's picture stood still for {good.LongestGap} µs");
        Assert.True(good.WorstAudioDelay < 60_000, $"the other's sound came {good.WorstAudioDelay} µs late");
    }

    [Fact]
    public void Simulcast_LinkBelowTheLowestLayer_ShedsTemporalLayersThenPausesAndGoesOnByItself()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", 130_000);
        scene.Run(10 * Second);
        Assert.Equal(0, viewer.Layer);
        Assert.False(viewer.Video!.IsStarved);

        viewer.Down.Rate = 75_000;
        scene.RunUntil(() => viewer.Video.IsStarved, 10, viewer.ToString);
        viewer.Down.Rate = 1_000_000;
        scene.RunUntil(() => viewer.Layer == 1 && !viewer.Video.IsStarved, 15, viewer.ToString);
        var lost = viewer.AudioLost;
        scene.Run(5 * Second);
        Assert.Equal(lost, viewer.AudioLost);
    }

    [Fact]
    public void OneStream_LinkIsTooNarrow_IsNotPaused()
    {
        var scene = new SimulcastScene(simulcast: false);
        var viewer = scene.Join("viewer", 60_000);
        scene.Run(10 * Second);
        Assert.False(viewer.Video!.IsStarved);
        viewer.VideoBits = 0;
        scene.Run(Second);
        Assert.True(viewer.VideoBits > 0);
    }

    [Fact]
    public void Simulcast_EverybodyHasTheBest_NoPaddingIsSent()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", 20_000_000);
        var listener = scene.Join("listener", 20_000_000, video: false);
        scene.Run(10 * Second);
        var padding = viewer.Transport.Stats.PaddingPacketsSent;
        Assert.True(viewer.Transport.Stats.AvailableOutgoingBitrate > 2_000_000);
        scene.Run(10 * Second);
        Assert.Equal(padding, viewer.Transport.Stats.PaddingPacketsSent);
        Assert.Equal(0, listener.Transport.Stats.PaddingPacketsSent);
        Assert.Equal(1000, listener.AudioPackets, 5.0);
    }

    [Fact]
    public void Simulcast_ReceiverThatNeverReports_IsNotHeldBackForLong()
    {
        var scene = new SimulcastScene();
        var transport = new LoopbackTransport(scene.Router, "silent");
        var consumer = transport.Consume("c", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        for (var i = 0; i < 60; i++)
        {
            scene.Run(Second / 10);
            transport.Advance(scene.Now);
        }

        Assert.Equal(2, consumer.CurrentSpatialLayer);
        Assert.Equal(0, transport.Stats.PaddingPacketsSent);
    }

    [Fact]
    public void Priority_TwoPicturesOneFits_TheHigherOneHasTheBetterLayer()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", 1_200_000);
        var second = viewer.Transport.Consume("second", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        second.SetPriority(255, scene.Now);
        scene.Run(20 * Second);
        Assert.True(second.CurrentSpatialLayer == 1, viewer.ToString());
        Assert.True(viewer.Layer <= 1, viewer.ToString());
        second.SetPriority(1, scene.Now);
        viewer.Video!.SetPriority(255, scene.Now);
        viewer.Down.Rate = 700_000;
        scene.Run(10 * Second);
        Assert.True(viewer.Layer == 1 && second.CurrentSpatialLayer == 0, $"{viewer.Layer} and {second.CurrentSpatialLayer}: {viewer}");
    }
}
