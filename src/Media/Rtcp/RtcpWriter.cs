using System.Buffers.Binary;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Rtcp;

/// <summary>Writes RTCP packets one after another into a buffer. An Add that does not fit writes nothing and answers false.</summary>
public ref struct RtcpWriter
{
    /// <summary>Bytes of the largest RTCP datagram written: fits any path with room for SRTCP.</summary>
    public const int MaxLength = 1200;

    private readonly Span<byte> _buffer;

    public RtcpWriter(Span<byte> buffer)
    {
        _buffer = buffer.Length > MaxLength ? buffer[..MaxLength] : buffer;
        Length = 0;
    }

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>An SR without report blocks.</summary>
    public bool TryAddSenderReport(in SenderReport report)
    {
        if (!TryBegin(RtcpType.SenderReport, 0, SenderReport.BodyLength, out var body))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(body, report.Ssrc.Value);
        BinaryPrimitives.WriteUInt64BigEndian(body[4..], report.Ntp.Value);
        BinaryPrimitives.WriteUInt32BigEndian(body[12..], report.RtpTimestamp);
        BinaryPrimitives.WriteUInt32BigEndian(body[16..], report.PacketCount);
        BinaryPrimitives.WriteUInt32BigEndian(body[20..], report.OctetCount);
        return true;
    }

    /// <summary>An RR of up to 31 blocks, possibly none.</summary>
    public bool TryAddReceiverReport(Ssrc sender, scoped ReadOnlySpan<ReportBlock> blocks)
    {
        if (blocks.Length > 31 || !TryBegin(RtcpType.ReceiverReport, (byte)blocks.Length, 4 + (blocks.Length * ReportBlock.Length), out var body))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(body, sender.Value);
        for (var i = 0; i < blocks.Length; i++)
        {
            blocks[i].Write(body[(4 + (i * ReportBlock.Length))..]);
        }

        return true;
    }

    /// <summary>An SDES of one chunk with a CNAME (RFC 3550 §6.5), at most 255 bytes.</summary>
    public bool TryAddCname(Ssrc ssrc, scoped ReadOnlySpan<byte> cname)
    {
        // The chunk ends with at least one zero byte, on a word boundary.
        var length = (4 + 2 + cname.Length + 1 + 3) & ~3;
        if (cname.Length > 255 || !TryBegin(RtcpType.SourceDescription, 1, length, out var body))
        {
            return false;
        }

        body.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(body, ssrc.Value);
        body[4] = 1;
        body[5] = (byte)cname.Length;
        cname.CopyTo(body[6..]);
        return true;
    }

    /// <summary>A BYE of one source (RFC 3550 §6.6).</summary>
    public bool TryAddGoodbye(Ssrc ssrc)
    {
        if (!TryBegin(RtcpType.Goodbye, 1, 4, out var body))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(body, ssrc.Value);
        return true;
    }

    /// <summary>A generic NACK for numbers in ascending order. Returns how many of them fitted.</summary>
    public int AddNack(Ssrc sender, Ssrc media, scoped ReadOnlySpan<ushort> sequences)
    {
        var room = (_buffer.Length - Length - 12) / 4;
        if (sequences.IsEmpty || room < 1)
        {
            return 0;
        }

        var start = Length;
        var offset = Length + 12;
        var done = 0;
        while (done < sequences.Length && room-- > 0)
        {
            var pid = sequences[done++];
            var bits = 0;
            while (done < sequences.Length && (ushort)(sequences[done] - pid) is >= 1 and <= 16)
            {
                bits |= 1 << ((ushort)(sequences[done++] - pid) - 1);
            }

            BinaryPrimitives.WriteUInt16BigEndian(_buffer[offset..], pid);
            BinaryPrimitives.WriteUInt16BigEndian(_buffer[(offset + 2)..], (ushort)bits);
            offset += 4;
        }

        // The space is already written, so beginning the packet behind it cannot fail.
        TryBeginFeedback(RtcpType.TransportFeedback, TransportFeedbackFormat.Nack, sender, media, offset - start - 12, out _);
        return done;
    }

    /// <summary>A PLI (RFC 4585 §6.3.1).</summary>
    public bool TryAddPictureLoss(Ssrc sender, Ssrc media)
        => TryBeginFeedback(RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss, sender, media, 0, out _);

    /// <summary>A FIR of one entry (RFC 5104 §4.3.1); its media source field is 0.</summary>
    public bool TryAddFullIntra(Ssrc sender, Ssrc media, byte command)
    {
        if (!TryBeginFeedback(RtcpType.PayloadFeedback, PayloadFeedbackFormat.FullIntra, sender, default, 8, out var control))
        {
            return false;
        }

        control.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(control, media.Value);
        control[4] = command;
        return true;
    }

    /// <summary>A REMB for these streams; the media source field is 0.</summary>
    public bool TryAddRemb(Ssrc sender, long bitrate, scoped ReadOnlySpan<Ssrc> media)
    {
        if (media.Length > 255 || !TryBeginFeedback(RtcpType.PayloadFeedback, PayloadFeedbackFormat.Application, sender, default, 8 + (4 * media.Length), out var control))
        {
            return false;
        }

        Remb.WriteHead(control, (byte)media.Length, bitrate);
        for (var i = 0; i < media.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(control[(8 + (4 * i))..], media[i].Value);
        }

        return true;
    }

    /// <summary>A feedback packet whose control information the caller fills; its length is a multiple of four.</summary>
    internal bool TryBeginFeedback(RtcpType type, byte format, Ssrc sender, Ssrc media, int controlLength, out Span<byte> control)
    {
        control = default;
        if (!TryBegin(type, format, 8 + controlLength, out var body))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32BigEndian(body, sender.Value);
        BinaryPrimitives.WriteUInt32BigEndian(body[4..], media.Value);
        control = body[8..];
        return true;
    }

    private bool TryBegin(RtcpType type, byte count, int bodyLength, out Span<byte> body)
    {
        body = default;
        if (_buffer.Length - Length < 4 + bodyLength)
        {
            return false;
        }

        var packet = _buffer.Slice(Length, 4 + bodyLength);
        packet[0] = (byte)(0x80 | count);
        packet[1] = (byte)type;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)(bodyLength / 4));
        Length += 4 + bodyLength;
        body = packet[4..];
        return true;
    }
}
