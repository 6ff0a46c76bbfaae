using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>A receiver gets no more video than it is limited to, whatever its network carries.</summary>
public class VideoLimitTests
{
    private const long Second = SimulcastScene.Second;
    private const long Fast = 20_000_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Simulcast_OneViewerIsLimited_ItGetsTheBestLayerBelowAndTheOtherKeepsAll(bool adapts)
    {
        var scene = new SimulcastScene(adapts: adapts);
        var limited = scene.Join("limited", Fast);
        var free = scene.Join("free", Fast);
        scene.Run(5 * Second);
        Assert.Equal((2, 2), (limited.Layer, free.Layer));

        free.LowestLayer = 2;
        foreach (var (limit, layer) in ((long, int)[])[(1_000_000, 1), (300_000, 0), (2_500_000, 2)])
        {
            limited.Transport.SetMaxVideoBitrate(limit, scene.Now);
            scene.RunUntil(() => limited.Layer == layer, 5, limited.ToString);
            scene.Run(Second);
            AssertBelow(limit, limited, scene);
            Assert.Equal(layer, limited.Layer);
        }

        limited.Transport.SetMaxVideoBitrate(300_000, scene.Now);
        scene.RunUntil(() => limited.Layer == 0, 5, limited.ToString);
        limited.Transport.SetMaxVideoBitrate(null, scene.Now);
        scene.RunUntil(() => limited.Layer == 2, 5, limited.ToString);
        Assert.Equal(2, free.LowestLayer);
        Assert.Equal(0, limited.AudioLost + free.AudioLost);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Limit_OfSeveralPictures_IsThatOfTheirSum(bool adapts)
    {
        var scene = new SimulcastScene(adapts: adapts);
        var viewer = scene.Join("viewer", Fast);
        var second = viewer.Transport.Consume("second", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        var third = viewer.Transport.Consume("third", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        viewer.Transport.SetMaxVideoBitrate(1_000_000, scene.Now);
        scene.Run(5 * Second);

        // One has the middle layer, the others the lowest: 500 + 2 * 150.
        AssertBelow(1_000_000, viewer, scene);
        int[] layers = [viewer.Video!.CurrentSpatialLayer, second.CurrentSpatialLayer, third.CurrentSpatialLayer];
        Assert.Equal([0, 0, 1], layers.Order());

        // Room for every fourth frame of two alone: the third pauses, and goes on by itself.
        viewer.Transport.SetMaxVideoBitrate(110_000, scene.Now);
        scene.Run(4 * Second);
        AssertBelow(110_000, viewer, scene);
        ProducerConsumer[] all = [viewer.Video, second, third];
        Assert.Contains(all, c => c.IsStarved);
        viewer.Transport.SetMaxVideoBitrate(2_000_000, scene.Now);
        scene.RunUntil(() => all.All(c => !c.IsStarved && c.CurrentSpatialLayer == 1), 5, viewer.ToString);
    }

    [Fact]
    public void OneStream_WithTemporalLayers_LosesThoseAboveTheLimit()
    {
        var scene = new SimulcastScene(simulcast: false, adapts: false);
        var viewer = scene.Join("viewer", Fast);
        scene.Run(3 * Second);
        viewer.Transport.SetMaxVideoBitrate(100_000, scene.Now);
        scene.Run(2 * Second);

        // The lowest layer is every fourth frame, the two lower ones every second.
        viewer.Frames = 0;
        AssertBelow(100_000, viewer, scene);
        Assert.Equal(75, viewer.Frames, 3.0);
        viewer.Transport.SetMaxVideoBitrate(null, scene.Now);

        // This sender marks no frame at which a layer may be joined, so they come with the next key frame.
        viewer.Video!.RequestKeyFrame(scene.Now);
        scene.Run(2 * Second);
        viewer.Frames = 0;
        scene.Run(5 * Second);
        Assert.Equal(150, viewer.Frames, 3.0);
    }

    [Fact]
    public void OneStream_WithoutLayers_GoesOn_AndItsSenderIsToldTheHighestLimitOfAll()
    {
        var scene = new SimulcastScene(simulcast: false, adapts: false, temporalLayers: false);
        var first = scene.Join("first", Fast);
        var second = scene.Join("second", Fast);
        scene.Run(3 * Second);
        var before = scene.ToldBitrate;
        first.Transport.SetMaxVideoBitrate(100_000, scene.Now);
        scene.Run(3 * Second);

        // The second one may have all.
        Assert.True(scene.ToldBitrate is null || scene.ToldBitrate >= before);
        first.Frames = 0;
        second.Transport.SetMaxVideoBitrate(80_000, scene.Now);
        scene.Run(5 * Second);
        Assert.Equal(200_000, scene.ToldBitrate!.Value, 1_000.0);
        Assert.Equal(150, first.Frames, 3.0);

        second.Transport.SetMaxVideoBitrate(null, scene.Now);
        scene.Run(3 * Second);
        Assert.Equal(scene.Router.Options.MaxIncomingBitrate, scene.ToldBitrate!.Value, 100_000.0);
    }

    [Fact]
    public void Simulcast_SenderOfLimitedViewers_IsNotHeldBack()
    {
        var scene = new SimulcastScene(adapts: false);
        var viewer = scene.Join("viewer", Fast);
        viewer.Transport.SetMaxVideoBitrate(300_000, scene.Now);
        scene.Run(5 * Second);
        Assert.Equal(scene.Router.Options.MaxIncomingBitrate, scene.ToldBitrate!.Value);
    }

    [Fact]
    public void Limit_SetBeforeAnythingFlows_HoldsFromTheFirstSecondsOn()
    {
        var scene = new SimulcastScene(adapts: false);
        var viewer = scene.Join("viewer", Fast, video: false);
        viewer.Transport.SetMaxVideoBitrate(300_000, scene.Now);
        var video = viewer.Transport.Consume("late", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        scene.Run(2 * Second);
        Assert.Equal(0, video.CurrentSpatialLayer);
        AssertBelow(300_000, viewer, scene);
    }

    [Fact]
    public void Remb_OfALimitedViewerWhereNobodyAdapts_ChangesNothing()
    {
        var scene = new SimulcastScene(adapts: false);
        var viewer = scene.Join("viewer", Fast);
        viewer.Transport.SetMaxVideoBitrate(5_000_000, scene.Now);
        scene.RunUntil(() => viewer.Layer == 2, 5, viewer.ToString);
        var buffer = new byte[100];
        var writer = new RtcpWriter(buffer);
        Assert.True(writer.TryAddRemb(new Ssrc(1), 100_000, [new Ssrc(2)]));
        viewer.Transport.ReceiveRtcp(buffer.AsSpan(0, writer.Length), scene.Now);
        viewer.LowestLayer = 2;
        scene.Run(3 * Second);
        Assert.Equal(100_000, viewer.Transport.Stats.RemoteBitrateEstimate, 1_000.0);
        Assert.Equal(2, viewer.LowestLayer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MaxOutgoing_OfAViewer_HoldsForSoundAndPictureTogether_AndTheSmallerLimitWins(bool adapts)
    {
        var scene = new SimulcastScene(adapts: adapts);
        var limited = scene.Join("limited", Fast);
        var free = scene.Join("free", Fast);
        scene.RunUntil(() => limited.Layer == 2 && free.Layer == 2, 8, limited.ToString);
        free.LowestLayer = 2;

        // 500 kbit/s of picture would fit, but for the sound.
        limited.Transport.SetBitrates(520_000, null, null, scene.Now);
        scene.RunUntil(() => limited.Layer == 0, 5, limited.ToString);
        AssertBelow(500_000, limited, scene);
        limited.Transport.SetBitrates(800_000, null, null, scene.Now);
        scene.RunUntil(() => limited.Layer == 1, 5, limited.ToString);

        limited.Transport.SetMaxVideoBitrate(300_000, scene.Now);
        scene.RunUntil(() => limited.Layer == 0, 5, limited.ToString);
        limited.Transport.SetMaxVideoBitrate(3_000_000, scene.Now);
        scene.RunUntil(() => limited.Layer == 1, 5, limited.ToString);
        AssertBelow(800_000, limited, scene);
        limited.Transport.SetBitrates(null, null, null, scene.Now);
        scene.RunUntil(() => limited.Layer == 2, 8, limited.ToString);
        Assert.Equal(2, free.LowestLayer);
        Assert.Equal(0, limited.AudioLost + free.AudioLost);
    }

    [Fact]
    public void MaxOutgoing_IsSpreadByPriority()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", Fast);
        var second = viewer.Transport.Consume("second", "video", Router.RtpCapabilities, false, scene.Now).Value!;
        viewer.Transport.SetBitrates(900_000, null, null, scene.Now);
        second.SetPriority(200, scene.Now);
        scene.RunUntil(() => second.CurrentSpatialLayer == 1 && viewer.Video!.CurrentSpatialLayer == 0, 8, viewer.ToString);
        second.SetPriority(1, scene.Now);
        viewer.Video!.SetPriority(200, scene.Now);
        scene.RunUntil(() => second.CurrentSpatialLayer == 0 && viewer.Video.CurrentSpatialLayer == 1, 8, viewer.ToString);
    }

    [Fact]
    public void MinOutgoing_OfAViewerOnANarrowLink_KeepsTheLayerThatItAllows()
    {
        var scene = new SimulcastScene();
        var viewer = scene.Join("viewer", 300_000);
        scene.RunUntil(() => viewer.Video!.CurrentSpatialLayer == 0, 8, viewer.ToString);
        viewer.Transport.SetBitrates(null, 600_000, null, scene.Now);
        scene.RunUntil(() => viewer.Video!.CurrentSpatialLayer == 1, 5, viewer.ToString);
        scene.Run(5 * Second);
        Assert.Equal(1, viewer.Video!.CurrentSpatialLayer);
    }

    [Fact]
    public void MaxIncoming_IsToldToTheSender_AndTheNodesOwnLimitAfterIt()
    {
        var scene = new SimulcastScene(adapts: false);
        scene.Join("viewer", Fast);
        scene.Run(2 * Second);
        scene.Sender.SetBitrates(null, null, 250_000, scene.Now);
        scene.Run(Second / 10);
        Assert.Equal(250_000, scene.ToldBitrate!.Value, 1_000.0);
        scene.Sender.SetBitrates(null, null, null, scene.Now);
        scene.Run(Second / 10);
        Assert.Equal(scene.Router.Options.MaxIncomingBitrate, scene.ToldBitrate!.Value, 10_000.0);
    }

    // Over five seconds: within one, a key frame counts for much.
    private static void AssertBelow(long limit, SimulcastScene.Viewer viewer, SimulcastScene scene)
    {
        viewer.VideoBits = 0;
        scene.Run(5 * Second);
        Assert.True(viewer.VideoBits / 5 <= limit, $"{viewer.VideoBits / 5} bits a second: {viewer}");
        Assert.True(viewer.VideoBits / 5 >= limit / 4, $"{viewer.VideoBits / 5} bits a second: {viewer}");
    }
}
