using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <content>Sound with redundancy (RFC 2198): it goes on as it is, and what was lost on the way here goes on before it.</content>
public sealed partial class Producer
{
    /// <summary>Packets before the present one that its copies may give back; browsers send one or two.</summary>
    private const int MaxRecovered = 10;

    /// <summary>Reads where the packet itself begins, and passes on what its copies give back. False when it is malformed.</summary>
    private bool TryOpen(RtpStreamReceiver stream, Span<byte> payload, ref Arrival arrived, long now)
    {
        if (payload.IsEmpty)
        {
            // A bandwidth probe.
            return true;
        }

        if (!RedPayload.TryParse(payload, _blockType, out var red))
        {
            return false;
        }

        arrived.PrimaryAt = red.PrimaryAt;
        foreach (var copy in red)
        {
            Recover(stream, arrived, copy, now);
        }

        // Behind the number, because blocks of one packet say what they are each by itself.
        RedPayload.SetPayloadType(payload, SupportedCapabilities.OpusPayloadType);
        Note(stream, arrived.Sequence, arrived.Timestamp);
        return true;
    }

    // A sender has a copy of each of the packets before: the last copy is that of the number before. A lost one becomes a packet of plain Opus.
    private void Recover(RtpStreamReceiver stream, in Arrival arrived, in RedPayload.Copy copy, long now)
    {
        var sequence = arrived.Sequence - copy.Back;
        var timestamp = unchecked(arrived.Timestamp - copy.TimestampOffset);
        if (copy.Back > MaxRecovered || copy.Payload.IsEmpty || copy.TimestampOffset == 0
            || !Fits(stream, sequence, timestamp) || !stream.Statistics.TryRecover(sequence))
        {
            return;
        }

        stream.Nack?.OnPacket(sequence, isRetransmission: true, now);
        Transport.Stats.PacketsRecovered++;
        Note(stream, sequence, timestamp);
        PassOn(
            stream,
            new Arrival
            {
                Sequence = sequence,
                Timestamp = timestamp,
                PayloadType = _blockType,
                Marker = false,
                Extensions = default,
                Payload = copy.Payload,
                PrimaryAt = 0,
            },
            now);
    }

    // A sender may leave one out of its copies, for instance because it was too long. Its time tells that the number is another's.
    private static bool Fits(RtpStreamReceiver stream, long sequence, uint timestamp)
    {
        var (number, time) = stream.Newest;
        return number > 0 && Math.Sign(sequence - number) == Math.Sign((int)(timestamp - time));
    }

    private static void Note(RtpStreamReceiver stream, long sequence, uint timestamp)
    {
        if (sequence > stream.Newest.Sequence)
        {
            stream.Newest = (sequence, timestamp);
        }
    }
}
