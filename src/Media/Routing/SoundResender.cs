using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// Answers the NACKs of a receiver of sound. Nothing is noted of the packets sent: which source packet a number was is in the consumer's
/// <see cref="SequenceMunger"/>, its bytes are in the source's short history, and what was written around them follows from both. So a packet costs
/// nothing more on its way, and the same bytes go again: anything else would encrypt twice under one SRTP index (RFC 3711 §9.1).
/// </summary>
internal sealed class SoundResender(ConsumerPacketWriter writer)
{
    /// <summary>µs after which sound is not sent again: receivers play with less delay than that.</summary>
    private const long MaxAge = 600_000;

    /// <summary>Packets sent again in a second at most, as many as there are new ones.</summary>
    private const int MaxResends = 50;

    private long _window = long.MinValue / 2;
    private int _resends;

    /// <summary>The resender of a consumer; null where the receiver may not ask, or where each packet has a number of its transport.</summary>
    public static SoundResender? Of(RtpParameters parameters, ConsumerPacketWriter writer)
    {
        var asks = Array.Exists(parameters.Codecs, c => Array.Exists(c.RtcpFeedback, f => f.Type == "nack" && string.IsNullOrEmpty(f.Parameter)));
        return asks && !writer.UsesTransportSequence ? new SoundResender(writer) : null;
    }

    /// <summary>Sends a packet once more, if it is there.</summary>
    /// <param name="wanted">The number that is missing.</param>
    /// <param name="munger">The consumer's numbers.</param>
    /// <param name="stream">Where its packets come from now.</param>
    /// <param name="timestampOffset">What is added to their time stamps.</param>
    /// <param name="joinedAt">The number of the first of them, which has the marker.</param>
    /// <param name="transport">The receiver's.</param>
    /// <param name="now">µs.</param>
    public void Resend(SequenceNumber wanted, SequenceMunger munger, RtpStreamReceiver? stream, uint timestampOffset, long joinedAt, Transport transport, long now)
    {
        var output = munger.HighestOutput + wanted.DistanceFrom(new SequenceNumber((ushort)munger.HighestOutput));
        if (stream?.RecentSound is { } recent && munger.TryFindSource(output, out var source))
        {
            Resend(recent, source, output, timestampOffset, isFirst: output == joinedAt, transport, now);
        }
    }

    /// <summary>The same of packets that were made for this receiver, and kept by the numbers that they have.</summary>
    public void Resend(SequenceNumber wanted, PacketHistory sent, long highest, Transport transport, long now)
    {
        var output = highest + wanted.DistanceFrom(new SequenceNumber((ushort)highest));
        Resend(sent, output, output, 0, isFirst: false, transport, now);
    }

    private void Resend(PacketHistory recent, long source, long output, uint timestampOffset, bool isFirst, Transport transport, long now)
    {
        if (!recent.TryGet(source, out var packet, out var storedAt) || now - storedAt > MaxAge || !MayResend(now))
        {
            return;
        }

        var buffer = transport.RentPacket();
        var sent = new SentPacket { Output = output, Source = source, SentAt = storedAt, Timestamp = unchecked(packet.Timestamp + timestampOffset) };
        if (buffer.IsEmpty || !writer.TryWrite(buffer, packet, sent, out var length))
        {
            return;
        }

        if (isFirst)
        {
            buffer[1] |= 0x80;
        }

        _resends++;
        transport.Stats.PacketsRetransmitted++;
        transport.SendRtp(length, now);
    }

    private bool MayResend(long now)
    {
        if (now - _window >= 1_000_000)
        {
            (_window, _resends) = (now, 0);
        }

        return _resends < MaxResends;
    }
}
