using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Tests.Simulation;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Tests.Transports;

/// <summary>A room on two nodes.</summary>
public sealed class PipeTransportTests : IDisposable
{
    private readonly PipedRooms _rooms = new();
    private readonly List<SentRtp> _heard = [];
    private readonly HashSet<uint> _wanted = [];
    private readonly HashSet<byte[]> _seen = [];

    public void Dispose() => _rooms.Dispose();

    [Fact]
    public void Audio_OfOneNode_ReachesAConsumerOfTheOther_WithLevelAndWithoutAGap()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        var remote = _rooms.Pipe(a, b, "p");
        var bob = Listener();
        var consumer = bob.Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now).Value!;
        var ended = Speak(alice, 0, 50, level: 21);

        Assert.Equal(50, _heard.Count);
        Assert.All(_heard, p => Assert.Equal(consumer.RtpParameters.Encodings[0].Ssrc, p.Ssrc));
        Assert.All(_heard, p => Assert.Equal([0x80 | 21], p.Extension(10)!));
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, 50), _heard.Select(p => (int)p.Sequence));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (uint)(i * 960)), _heard.Select(p => p.Timestamp));
        Assert.Equal(50, ended);

        // Both nodes see who speaks; the pipe's copy is of the same id.
        Assert.Equal(["p"], _rooms.A.Speakers[0]);
        Assert.Equal(["p"], _rooms.B.Speakers[0]);
        Assert.Equal("alice", remote.RtpParameters.Rtcp.Cname);
    }

    [Fact]
    public void Slots_And_Mix_OfTheOtherNode_HaveItsVoices()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        _rooms.Pipe(a, b, "p");
        var bob = Listener();
        var slot = bob.ConsumeLoudest(["s"], [Conference.Negotiated("0")], false, _rooms.Now).Value![0];
        var mix = bob.ConsumeMix("m", Conference.Negotiated("1"), false, _rooms.Now).Value!;
        Speak(alice, 0, 50);

        Assert.InRange(_heard.Count(p => p.Ssrc == slot.RtpParameters.Encodings[0].Ssrc), 45, 50);
        Assert.InRange(_heard.Count(p => p.Ssrc == mix.RtpParameters.Encodings[0].Ssrc), 40, 51);
        Assert.Equal("p", slot.Source?.Id);
    }

    [Fact]
    public void Paused_AtBothEnds_IsSilentAndGoesOn()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        var remote = _rooms.Pipe(a, b, "p");
        var bob = Listener();
        bob.Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);
        Speak(alice, 0, 10);

        var source = _rooms.A.Room().Producers["p"];
        source.Pause(_rooms.Now);
        remote.Pause(_rooms.Now);
        Speak(alice, 10, 10);
        Assert.Equal(15, _heard.Count);
        Assert.True(bob.Consumers[0].IsProducerPaused);

        source.Resume(_rooms.Now);
        remote.Resume(_rooms.Now);
        Speak(alice, 20, 10);
        Assert.InRange(_heard.Count, 25, 30);
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, _heard.Count), _heard.Select(p => (int)p.Sequence));
    }

    [Fact]
    public void Simulcast_CarriesEveryLayer_AndTheOtherNodeChooses()
    {
        List<byte[]> toAlice = [];
        var alice = _rooms.A.Join("alice");
        alice.RtcpSent = (p, _) => toAlice.Add(p.ToArray());
        alice.Produce("p", MediaKind.Video, MediaFixtures.Simulcast(), false, _rooms.Now);
        var (a, b) = _rooms.Connect();
        _rooms.Pipe(a, b, "p");
        var bob = Listener();
        var consumer = bob.Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now).Value!;
        Assert.Equal("L2T2", consumer.RtpParameters.Encodings[0].ScalabilityMode);

        // Only the lower layer flows: it is taken, though the higher one is declared.
        var frame = 0;
        Show(10, low: true, high: false);
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        var before = _heard.Count;
        Assert.True(before > 5);

        // The higher one begins, at a key frame that was asked for across the pipe.
        var asked = toAlice.Sum(p => TestRoom.Count(p, RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss));
        Show(60, low: true, high: true);
        Assert.Equal(1, consumer.CurrentSpatialLayer);
        Assert.True(toAlice.Sum(p => TestRoom.Count(p, RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss)) > asked);

        // A viewer who wants less gets the lower one again.
        consumer.SetPreferredLayers(0, null, _rooms.Now);
        Show(60, low: true, high: true);
        Assert.Equal(0, consumer.CurrentSpatialLayer);
        Assert.Equal(2, _rooms.B.Room().Producers["p"].RtpParameters.Encodings.Length);
        Assert.True(a.Stats.RtpPacketsSent >= 180);
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, _heard.Count), _heard.Select(p => (int)p.Sequence));

        void Show(int frames, bool low, bool high)
        {
            for (var i = 0; i < frames; i++, frame++)
            {
                toAlice.ForEach(Note);
                if (low)
                {
                    alice.ReceiveRtp(Layer("q", 100, frame, WantsKey(100)), _rooms.Now);
                }

                if (high)
                {
                    alice.ReceiveRtp(Layer("f", 200, frame, WantsKey(200)), _rooms.Now);
                }

                _rooms.Run(33_000);
            }
        }

        // The higher layer has no key frame but those that are asked for.
        bool WantsKey(uint ssrc) => _wanted.Remove(ssrc) || (ssrc == 100 && frame == 0);

        void Note(byte[] compound)
        {
            if (!_seen.Add(compound))
            {
                return;
            }

            var reader = new RtcpReader(compound);
            while (reader.MoveNext())
            {
                if (reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.PictureLoss })
                {
                    _wanted.Add(reader.Current.MediaSource.Value);
                }
            }
        }

        static byte[] Layer(string rid, uint ssrc, int frame, bool key) => MediaFixtures.Packet(
            MediaFixtures.ClientVp8, ssrc, (ushort)frame, (uint)(frame * 3000), MediaFixtures.Vp8Payload(true, key, frame, (byte)frame),
            MediaFixtures.ClientRidId, System.Text.Encoding.ASCII.GetBytes(rid), marker: true);
    }

    [Fact]
    public void Connect_BeforeTheOtherEndProves_SendsNothingButReports()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Open();
        Assert.Null(a.Connect(_rooms.B.Address, b.SrtpParameters, b.RtcpSsrc, _rooms.Now));
        _rooms.Pipe(a, b, "p");
        Speak(alice, 0, 25);
        Assert.False(a.IsBound);
        Assert.Equal(0, a.Stats.RtpPacketsSent);

        // Its signs of life, ten a second, were for nobody yet.
        Assert.InRange(_rooms.A.Sent, 4, 7);
        Assert.InRange(_rooms.B.Worker.Stats.Dropped(DropReason.UnknownSource), 4, _rooms.A.Sent);

        Assert.Null(b.Connect(_rooms.A.Address, a.SrtpParameters, a.RtcpSsrc, _rooms.Now));
        _rooms.RunUntil(() => a.IsBound && b.IsBound);
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);
        Speak(alice, 25, 10);
        Assert.Equal(10, _heard.Count);
    }

    [Fact]
    public void Forged_WithAnotherKeyOrFromAnotherAddress_IsDroppedAndBindsNothing()
    {
        var (a, b) = _rooms.Open();

        // The other end has a key that is not the signalled one.
        Assert.Null(a.Connect(_rooms.B.Address, SrtpParameters.Create(), b.RtcpSsrc, _rooms.Now));
        Assert.Null(b.Connect(_rooms.A.Address, a.SrtpParameters, a.RtcpSsrc, _rooms.Now));
        _rooms.Run(500_000);
        Assert.True(b.IsBound);
        Assert.False(a.IsBound);
        Assert.True(a.Stats.Dropped(DropReason.SrtpAuthentication) > 0);

        // What was sent by the right one, but comes from elsewhere.
        var stranger = TransportAddress.FromIPv4(0x0A000003, 10_000);
        var before = _rooms.B.Worker.Stats.Dropped(DropReason.UnknownSource);
        _rooms.B.Worker.Receive(_rooms.A.Last.ToArray(), stranger, _rooms.Now);
        Assert.Equal(before + 1, _rooms.B.Worker.Stats.Dropped(DropReason.UnknownSource));
        Assert.Equal(_rooms.A.Address, b.RemoteAddress);
    }

    [Fact]
    public void Silence_Unbinds_AndTheFirstAuthenticPacketBindsAgain()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        _rooms.Pipe(a, b, "p");
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);
        _rooms.Filter = (node, _) => node == _rooms.A;
        _rooms.Run(PipeTransport.SilenceBeforeUnbound + 100_000);
        Assert.False(a.IsBound);
        Assert.True(b.IsBound);
        var sent = a.Stats.RtpPacketsSent;
        Speak(alice, 0, 10);
        Assert.Equal(sent, a.Stats.RtpPacketsSent);

        _rooms.Filter = null;
        _rooms.RunUntil(() => a.IsBound);
        Speak(alice, 10, 10);
        Assert.Equal(10, _heard.Count);
    }

    [Fact]
    public void Rooms_ThatShareTheirPorts_AreNotMixed()
    {
        var first = Speaker("room", 1);
        var second = Speaker("other", 2);
        var (a1, b1) = _rooms.Connect();
        var (a2, b2) = _rooms.Connect("other");
        _rooms.Pipe(a1, b1, "p");
        _rooms.Pipe(a2, b2, "p");
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);
        List<SentRtp> others = [];
        var eve = _rooms.B.Join("eve", "other");
        eve.RtpSent = (p, _) => others.Add(SentRtp.From(p));
        eve.Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);

        Speak(first, 0, 10);
        Assert.Equal((10, 0), (_heard.Count, others.Count));
        Speak(second, 0, 20, ssrc: 2);
        Assert.Equal((10, 20), (_heard.Count, others.Count));

        // The end of one room leaves the other's pipe alone.
        _rooms.B.Worker.CloseRouter(_rooms.B.Room(), _rooms.Now);
        Speak(second, 20, 5, ssrc: 2);
        Assert.Equal(25, others.Count);
        Assert.Equal((1, 1), (_rooms.B.Worker.Stats.Pipes, _rooms.B.Worker.Routers.Count));
    }

    [Fact]
    public void Producer_ThatEnds_LeavesThePipe_AndAnotherMayFollow()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        var remote = _rooms.Pipe(a, b, "p");
        Assert.Equal(["p"], a.Piped.Keys);
        _rooms.A.Room().Producers["p"].Close(_rooms.Now);
        remote.Close(_rooms.Now);
        Assert.Empty(a.Piped);
        Assert.Empty(a.Consumers);
        Assert.Empty(_rooms.B.Room().Producers);

        alice.Produce("q", MediaKind.Audio, MediaFixtures.Audio(5), false, _rooms.Now);
        _rooms.Pipe(a, b, "q");
        Listener().Consume("c", "q", Router.RtpCapabilities, false, _rooms.Now);
        Speak(alice, 0, 10, ssrc: 5);
        Assert.Equal(10, _heard.Count);
    }

    [Fact]
    public void Restart_OfTheSendersNumbers_GoesOnAtTheOtherNode()
    {
        var alice = Speaker();
        var (a, b) = _rooms.Connect();
        _rooms.Pipe(a, b, "p");
        Listener().Consume("c", "p", Router.RtpCapabilities, false, _rooms.Now);
        Speak(alice, 0, 10);
        Speak(alice, 30_000, 20);

        // RFC 3550 appendix A.1: the first packet after the leap is taken for a stray.
        Assert.InRange(_heard.Count, 28, 30);
        Assert.Equal(Enumerable.Range(_heard[0].Sequence, _heard.Count), _heard.Select(p => (int)p.Sequence));
        var steps = _heard.Zip(_heard.Skip(1), (x, y) => (int)(y.Timestamp - x.Timestamp));
        Assert.All(steps, s => Assert.InRange(s, 1, 48_000));
    }

    [Fact]
    public void Commands_ThatMakeNoSense_AreRefused()
    {
        Speaker();
        var (a, b) = _rooms.Open();
        Assert.Contains("AEAD_AES_128_GCM", a.Connect(_rooms.B.Address, new SrtpParameters("AEAD_AES_128_GCM", "c2hvcnQ="), 1, _rooms.Now));
        Assert.NotNull(a.Connect(_rooms.B.Address, SrtpParameters.Create("AES_CM_128_HMAC_SHA1_80"), 1, _rooms.Now));
        Assert.NotNull(a.Connect(_rooms.B.Address, new SrtpParameters("NULL", ""), 1, _rooms.Now));
        Assert.Contains("port", a.Connect(_rooms.B.Address with { Port = 0 }, b.SrtpParameters, b.RtcpSsrc, _rooms.Now));
        Assert.Null(a.Connect(_rooms.B.Address, b.SrtpParameters, b.RtcpSsrc, _rooms.Now));
        Assert.NotNull(a.Connect(_rooms.B.Address, b.SrtpParameters, b.RtcpSsrc, _rooms.Now));
        Assert.Equal(MediaFault.NotFound, a.ConsumeForPipe("x", _rooms.Now).Fault);
        _rooms.Pipe(a, b, "p");

        // What came through a pipe goes through no other.
        Assert.Equal(MediaFault.Conflict, b.ConsumeForPipe("p", _rooms.Now).Fault);
        Assert.Equal(MediaFault.Conflict, _rooms.A.Worker.CreatePipeTransport(_rooms.A.Room(), "pipe", _rooms.Now).Fault);
        Assert.DoesNotContain(a.SrtpParameters.KeyBase64, a.SrtpParameters.ToString());
        a.Close(_rooms.Now);
        Assert.NotNull(a.Connect(_rooms.B.Address, b.SrtpParameters, b.RtcpSsrc, _rooms.Now));
        Assert.Equal(0, _rooms.A.Worker.Stats.Pipes);
    }

    [Fact]
    public void WithoutRtx_NoRetransmissionIsNegotiated()
    {
        _rooms.A.Join("alice").Produce("p", MediaKind.Video, MediaFixtures.Video(1), false, _rooms.Now);
        var (a, b) = _rooms.Connect(enableRtx: false);
        var remote = _rooms.Pipe(a, b, "p");
        Assert.DoesNotContain(remote.RtpParameters.Codecs, c => c.MimeType.EndsWith("rtx", StringComparison.Ordinal));
        Assert.All(remote.RtpParameters.Encodings, e => Assert.Null(e.Rtx));
        Assert.DoesNotContain(remote.RtpParameters.HeaderExtensions, e => e.Uri == HeaderExtensionUris.TransportWideCc);
    }

    private LoopbackTransport Speaker(string room = "room", uint ssrc = 1)
    {
        var alice = _rooms.A.Join("alice", room);
        Assert.True(alice.Produce("p", MediaKind.Audio, MediaFixtures.Audio(ssrc), false, _rooms.Now).IsOk);
        return alice;
    }

    private LoopbackTransport Listener()
    {
        var bob = _rooms.B.Join("bob");
        bob.RtpSent = (p, _) => _heard.Add(SentRtp.From(p));
        return bob;
    }

    private int Speak(LoopbackTransport alice, int first, int packets, byte level = 20, uint ssrc = 1)
    {
        for (var i = first; i < first + packets; i++)
        {
            alice.ReceiveRtp(MediaFixtures.Opus(ssrc, (ushort)i, (uint)(i * 960), level), _rooms.Now);
            _rooms.Run(20_000);
        }

        return first + packets;
    }
}
