using System.Buffers.Binary;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Rtcp;

/// <summary>Formats of transport layer feedback.</summary>
public static class TransportFeedbackFormat
{
    /// <summary>RFC 4585 §6.2.1.</summary>
    public const byte Nack = 1;

    /// <summary>draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.</summary>
    public const byte TransportCc = 15;
}

/// <summary>Formats of payload-specific feedback.</summary>
public static class PayloadFeedbackFormat
{
    /// <summary>RFC 4585 §6.3.1.</summary>
    public const byte PictureLoss = 1;

    /// <summary>RFC 5104 §4.3.1.</summary>
    public const byte FullIntra = 4;

    /// <summary>Application layer feedback (RFC 4585 §6.4); REMB is one.</summary>
    public const byte Application = 15;
}

/// <summary>Goes through the sequence numbers of a generic NACK (RFC 4585 §6.2.1).</summary>
public ref struct NackReader(ReadOnlySpan<byte> feedbackControl)
{
    private ReadOnlySpan<byte> _rest = feedbackControl;
    private ushort _pid;
    private uint _bits;

    public SequenceNumber Current { get; private set; }

    /// <summary>Moves to the next number.</summary>
    public bool MoveNext()
    {
        if (_bits == 0)
        {
            if (_rest.Length < 4)
            {
                return false;
            }

            // PID itself is bit 0, the 16 bits of BLP follow it.
            _pid = BinaryPrimitives.ReadUInt16BigEndian(_rest);
            _bits = ((uint)BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]) << 1) | 1;
            _rest = _rest[4..];
        }

        var bit = System.Numerics.BitOperations.TrailingZeroCount(_bits);
        _bits &= _bits - 1;
        Current = new SequenceNumber((ushort)(_pid + bit));
        return true;
    }
}

/// <summary>Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03 §2.2).</summary>
public readonly record struct Remb(long Bitrate)
{
    private const uint Identifier = 0x52454D42;

    /// <summary>Reads it from the control information of application feedback.</summary>
    public static bool TryRead(ReadOnlySpan<byte> feedbackControl, out Remb remb)
    {
        remb = default;
        if (feedbackControl.Length < 8 || BinaryPrimitives.ReadUInt32BigEndian(feedbackControl) != Identifier)
        {
            return false;
        }

        var word = BinaryPrimitives.ReadUInt32BigEndian(feedbackControl[4..]);
        var exponent = (int)(word >> 18) & 0x3F;
        var mantissa = (long)(word & 0x3_FFFF);
        if (exponent > 44)
        {
            return false;
        }

        remb = new Remb(mantissa << exponent);
        return true;
    }

    /// <summary>Writes identifier, count and bitrate; the SSRCs follow.</summary>
    internal static void WriteHead(Span<byte> destination, byte ssrcCount, long bitrate)
    {
        var exponent = 0;
        while (bitrate > 0x3_FFFF)
        {
            bitrate >>= 1;
            exponent++;
        }

        BinaryPrimitives.WriteUInt32BigEndian(destination, Identifier);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], ((uint)ssrcCount << 24) | ((uint)exponent << 18) | (uint)bitrate);
    }
}
