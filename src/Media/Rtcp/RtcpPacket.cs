using System.Buffers.Binary;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Rtcp;

/// <summary>RTCP packet types (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2).</summary>
public enum RtcpType : byte
{
    SenderReport = 200,
    ReceiverReport = 201,
    SourceDescription = 202,
    Goodbye = 203,
    Application = 204,
    TransportFeedback = 205,
    PayloadFeedback = 206,
    ExtendedReport = 207,
}

/// <summary>One packet of a compound.</summary>
public readonly ref struct RtcpPacket
{
    internal RtcpPacket(RtcpType type, byte count, ReadOnlySpan<byte> body)
    {
        Type = type;
        Count = count;
        Body = body;
    }

    public RtcpType Type { get; }

    /// <summary>The five bits after the padding flag: report count, source count or feedback format.</summary>
    public byte Count { get; }

    /// <summary>What follows the four header bytes, without padding.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>The first SSRC of the body: the sender; 0 when the body is empty.</summary>
    public Ssrc Sender => new(Body.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(Body) : 0);

    /// <summary>For feedback: the media source it is about (RFC 4585 §6.1); 0 when the body is too short.</summary>
    public Ssrc MediaSource => new(Body.Length >= 8 ? BinaryPrimitives.ReadUInt32BigEndian(Body[4..]) : 0);

    /// <summary>For feedback: the feedback control information.</summary>
    public ReadOnlySpan<byte> FeedbackControl => Body.Length >= 8 ? Body[8..] : default;

    /// <summary>The report blocks of a sender or receiver report; none when the count overruns.</summary>
    public ReportBlockReader ReportBlocks
    {
        get
        {
            var start = Type == RtcpType.SenderReport ? SenderReport.BodyLength : 4;
            return Type is RtcpType.SenderReport or RtcpType.ReceiverReport && Body.Length >= start + (Count * ReportBlock.Length)
                ? new ReportBlockReader(Body.Slice(start, Count * ReportBlock.Length))
                : default;
        }
    }
}

/// <summary>Goes through a compound packet (RFC 3550 §6.1), or a reduced-size one (RFC 5506).</summary>
public ref struct RtcpReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The current packet.</summary>
    public RtcpPacket Current { get; private set; }

    /// <summary>True once something did not add up; the packets before it were good.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Moves to the next packet; false at the end and at the first malformed one.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        if (_rest.Length < 4 || _rest[0] >> 6 != 2)
        {
            return Fail();
        }

        var length = (BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]) + 1) * 4;
        if (length > _rest.Length)
        {
            return Fail();
        }

        var padding = 0;
        if ((_rest[0] & 0x20) != 0)
        {
            // RFC 3550 §6.4.1: padding counts itself. It should be a multiple of four, but browsers fill their transport-wide
            // feedback up by one to three bytes and say just that.
            padding = length > 4 ? _rest[length - 1] : 0;
            if (padding == 0 || padding > length - 4)
            {
                return Fail();
            }
        }

        Current = new RtcpPacket((RtcpType)_rest[1], (byte)(_rest[0] & 0x1F), _rest[4..(length - padding)]);
        _rest = _rest[length..];
        return true;
    }

    private bool Fail()
    {
        IsMalformed = true;
        _rest = default;
        return false;
    }
}
