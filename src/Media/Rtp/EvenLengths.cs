namespace VoiceCluster.Media.Rtp;

/// <summary>
/// Pads a receiver's packets to one length (RFC 3550 §5.1), so that those that leave together can share a message: the system cuts a message
/// into datagrams of one length, and asking it costs more than everything else that is done with a packet. Opus of variable bitrate has no two
/// packets alike. Nothing is padded for a receiver whose packets leave alone. For packets not yet encrypted; one a receiver.
/// </summary>
internal struct EvenLengths
{
    /// <summary>Bytes of padding at most: what is sent more is the price.</summary>
    public const int MaxPadding = 48;

    private long _batch;
    private int _packets;
    private int _longest;
    private int _target;

    /// <summary>Pads a packet where it pays; returns its length.</summary>
    /// <param name="packet">The packet and the room behind it.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="room">Bytes that it may have.</param>
    /// <param name="batch">The number of the batch with which it leaves; 0 when nothing leaves together.</param>
    public int Apply(Span<byte> packet, int length, int room, long batch)
    {
        if (batch == 0)
        {
            return length;
        }

        if (batch != _batch)
        {
            // What left together last time says what to expect: the longest of it, and nothing if that was one packet.
            _target = _packets > 1 ? _longest : 0;
            (_batch, _packets, _longest) = (batch, 0, 0);
        }

        _packets++;
        _longest = Math.Max(_longest, length);
        var padding = _target - length;
        if (padding <= 0)
        {
            // It begins a message of its own, with which the next ones go.
            _target = length;
            return length;
        }

        if (padding > MaxPadding || _target > room || (packet[0] & 0x20) != 0)
        {
            return length;
        }

        packet.Slice(length, padding - 1).Clear();
        packet[_target - 1] = (byte)padding;
        packet[0] |= 0x20;
        return _target;
    }
}
