using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>A camera with three spatial layers of VP9 in one stream (L3T1_KEY), made by hand: two packets a layer frame, a key picture when one is asked for.</summary>
internal sealed class SvcCamera
{
    public const int Layers = 3;
    private const uint Ssrc = 1;

    private readonly LoopbackTransport _transport;
    private ushort _number = 65_500;
    private int _picture;
    private bool _isKeyWanted = true;

    public SvcCamera(LoopbackTransport transport, long now)
    {
        _transport = transport;
        transport.RtcpSent = Note;
        var vp8 = MediaFixtures.Video(Ssrc);
        var parameters = vp8 with
        {
            Codecs = [vp8.Codecs[0] with { MimeType = "video/VP9", Parameters = new() { ["profile-id"] = System.Text.Json.JsonSerializer.SerializeToElement(0) } }, vp8.Codecs[1]],
            Encodings = [vp8.Encodings[0] with { ScalabilityMode = "L3T1_KEY" }],
        };
        var produced = transport.Produce("p", MediaKind.Video, parameters, false, now);
        Assert.True(produced.IsOk, produced.Error);
    }

    /// <summary>Key pictures sent.</summary>
    public int KeyPictures { get; private set; }

    /// <summary>The spatial layers of packets in order, as a receiver got them.</summary>
    public static int[] LayersOf(IEnumerable<SentRtp> packets) => [.. packets.Select(p => (p.Payload[3] >> 1) & 7)];

    /// <summary>Sends one picture.</summary>
    public void Send(long now)
    {
        var key = _isKeyWanted;
        _isKeyWanted = false;
        KeyPictures += key ? 1 : 0;
        for (var layer = 0; layer < Layers; layer++)
        {
            for (var part = 0; part < 2; part++)
            {
                // I, P, L, B, E; the picture id, the layers with D where there is one below, TL0PICIDX.
                var flags = 0xA0 | (key ? 0 : 0x40) | (part == 0 ? 0x08 : 0x04);
                byte[] payload = [(byte)flags, (byte)(0x80 | ((_picture >> 8) & 0x7F)), (byte)_picture, (byte)((layer << 1) | (key && layer > 0 ? 1 : 0)), (byte)_picture, .. new byte[60]];
                _transport.ReceiveRtp(
                    MediaFixtures.Packet(MediaFixtures.ClientVp8, Ssrc, _number++, (uint)(_picture * 3_000), payload, marker: part == 1 && layer == Layers - 1), now);
            }
        }

        _picture++;
    }

    private void Note(ReadOnlySpan<byte> compound, long now)
    {
        var reader = new RtcpReader(compound);
        while (reader.MoveNext())
        {
            _isKeyWanted |= reader.Current is { Type: RtcpType.PayloadFeedback, Count: PayloadFeedbackFormat.PictureLoss };
        }
    }
}
