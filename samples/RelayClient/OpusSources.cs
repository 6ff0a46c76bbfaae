using Concentus;

namespace VoiceCluster.Samples.RelayClient;

/// <summary>Gives Opus packets of 20 ms, one after the other.</summary>
internal interface IOpusSource
{
    ReadOnlyMemory<byte> Next();
}

/// <summary>A tone, encoded here.</summary>
internal sealed class ToneSource(double hz) : IOpusSource
{
    private const int FrameSamples = 960;

    private readonly IOpusEncoder _encoder = OpusCodecFactory.CreateEncoder(48_000, 1);
    private readonly float[] _samples = new float[FrameSamples];
    private readonly byte[] _packet = new byte[1_276];
    private long _at;

    /// <summary>Bits a second, as the server advises.</summary>
    public int Bitrate
    {
        set => _encoder.Bitrate = value;
    }

    public ReadOnlyMemory<byte> Next()
    {
        for (var i = 0; i < FrameSamples; i++, _at++)
        {
            _samples[i] = 0.3f * (float)Math.Sin(2 * Math.PI * hz * _at / 48_000);
        }

        return _packet.AsMemory(0, _encoder.Encode(_samples, FrameSamples, _packet, _packet.Length));
    }
}

/// <summary>The packets of an Ogg Opus file (RFC 7845), again and again. They must be of 20 ms, as opusenc and ffmpeg make them.</summary>
internal sealed class OggOpusSource : IOpusSource
{
    private readonly List<byte[]> _packets;
    private int _next;

    public OggOpusSource(string path)
    {
        _packets = ReadPackets(File.ReadAllBytes(path));
        if (_packets.Count < 3 || !_packets[0].AsSpan().StartsWith("OpusHead"u8))
        {
            throw new InvalidDataException($"{path} is no Ogg Opus file.");
        }

        // OpusHead and OpusTags.
        _packets.RemoveRange(0, 2);
    }

    public ReadOnlyMemory<byte> Next() => _packets[_next++ % _packets.Count];

    /// <summary>Joins the segments of the pages (RFC 3533 §6): a packet ends with a segment shorter than 255 bytes.</summary>
    private static List<byte[]> ReadPackets(ReadOnlySpan<byte> file)
    {
        List<byte[]> packets = [];
        List<byte> packet = [];
        while (file.Length >= 27 && file.StartsWith("OggS"u8))
        {
            var lengths = file.Slice(27, Math.Min(file[26], file.Length - 27));
            var at = 27 + lengths.Length;
            foreach (var length in lengths)
            {
                if (at + length > file.Length)
                {
                    return packets;
                }

                packet.AddRange(file.Slice(at, length));
                at += length;
                if (length < 255)
                {
                    packets.Add([.. packet]);
                    packet.Clear();
                }
            }

            file = file[at..];
        }

        return packets;
    }
}
