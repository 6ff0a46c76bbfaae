using System.Buffers.Binary;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Rtcp;

/// <summary>The sender's part of an SR (RFC 3550 §6.4.1).</summary>
/// <param name="RtpTimestamp">The same instant as <paramref name="Ntp"/> in the stream's clock.</param>
public readonly record struct SenderReport(Ssrc Ssrc, NtpTime Ntp, uint RtpTimestamp, uint PacketCount, uint OctetCount)
{
    /// <summary>Bytes after the RTCP header and before the report blocks.</summary>
    public const int BodyLength = 24;

    /// <summary>Reads it from an SR packet.</summary>
    public static bool TryRead(in RtcpPacket packet, out SenderReport report)
    {
        report = default;
        var body = packet.Body;
        if (packet.Type != RtcpType.SenderReport || body.Length < BodyLength)
        {
            return false;
        }

        report = new SenderReport(
            packet.Sender,
            new NtpTime(BinaryPrimitives.ReadUInt64BigEndian(body[4..])),
            BinaryPrimitives.ReadUInt32BigEndian(body[12..]),
            BinaryPrimitives.ReadUInt32BigEndian(body[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(body[20..]));
        return true;
    }
}

/// <summary>A report block (RFC 3550 §6.4.1).</summary>
/// <param name="FractionLost">Of 256, since the last report.</param>
/// <param name="CumulativeLost">Signed, 24 bits.</param>
/// <param name="HighestSequence">Cycles and sequence number.</param>
/// <param name="Jitter">In units of the stream's clock.</param>
/// <param name="LastSenderReport">Middle 32 bits of the last SR's NTP time; 0 for none.</param>
/// <param name="DelaySinceLastSenderReport">In 1/65,536 s.</param>
public readonly record struct ReportBlock(
    Ssrc Ssrc, byte FractionLost, int CumulativeLost, uint HighestSequence, uint Jitter, uint LastSenderReport, uint DelaySinceLastSenderReport)
{
    /// <summary>Bytes.</summary>
    public const int Length = 24;

    /// <summary>Reads one from 24 bytes.</summary>
    internal static ReportBlock Read(ReadOnlySpan<byte> b) => new(
        new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(b)),
        b[4],
        BinaryPrimitives.ReadInt32BigEndian(b[4..]) << 8 >> 8,
        BinaryPrimitives.ReadUInt32BigEndian(b[8..]),
        BinaryPrimitives.ReadUInt32BigEndian(b[12..]),
        BinaryPrimitives.ReadUInt32BigEndian(b[16..]),
        BinaryPrimitives.ReadUInt32BigEndian(b[20..]));

    /// <summary>Writes 24 bytes.</summary>
    internal void Write(Span<byte> b)
    {
        BinaryPrimitives.WriteUInt32BigEndian(b, Ssrc.Value);
        BinaryPrimitives.WriteInt32BigEndian(b[4..], Math.Clamp(CumulativeLost, -0x80_0000, 0x7F_FFFF) & 0xFF_FFFF);
        b[4] = FractionLost;
        BinaryPrimitives.WriteUInt32BigEndian(b[8..], HighestSequence);
        BinaryPrimitives.WriteUInt32BigEndian(b[12..], Jitter);
        BinaryPrimitives.WriteUInt32BigEndian(b[16..], LastSenderReport);
        BinaryPrimitives.WriteUInt32BigEndian(b[20..], DelaySinceLastSenderReport);
    }
}

/// <summary>Goes through report blocks.</summary>
public ref struct ReportBlockReader
{
    private ReadOnlySpan<byte> _rest;

    internal ReportBlockReader(ReadOnlySpan<byte> blocks)
    {
        _rest = blocks;
        Current = default;
    }

    public ReportBlock Current { get; private set; }

    /// <summary>Moves to the next block.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < ReportBlock.Length)
        {
            return false;
        }

        Current = ReportBlock.Read(_rest);
        _rest = _rest[ReportBlock.Length..];
        return true;
    }
}
