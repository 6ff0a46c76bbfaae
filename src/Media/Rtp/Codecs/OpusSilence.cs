namespace VoiceCluster.Media.Rtp.Codecs;

/// <summary>
/// Leaves out what an Opus sender with DTX says of silence (RFC 6716 §2.1.9). Senders such as libopus alone make a packet of one or
/// two bytes each 20 ms; those of browsers send the first one, and one more after 400 ms. This does the latter for the former: the
/// first packet turns the receiver's decoder to comfort noise, the others would only repeat it. Time stamps go on, numbers
/// have no gap, which is how RTP tells silence from loss (RFC 3550 §5.1, RFC 7587 §3.1.3).
/// </summary>
public struct OpusSilence
{
    /// <summary>RTP time after which a packet of silence is passed on again: 400 ms, as libopus renews its comfort noise.</summary>
    private const uint RenewEvery = Opus.ClockRate * 2 / 5;

    private long _newest;
    private uint _passedAt;
    private bool _hasPackets;
    private bool _isSilent;
    private bool _hasLeftOut;

    /// <summary>False for a packet that is left out. <paramref name="begins"/>: sound begins after packets were.</summary>
    public bool Takes(long sequence, uint timestamp, ReadOnlySpan<byte> payload, out bool begins)
    {
        begins = false;
        if (_hasPackets && sequence < _newest)
        {
            // Late: receivers count with its number already.
            return true;
        }

        (_newest, _hasPackets) = (sequence, true);
        if (!Opus.IsDtx(payload))
        {
            begins = _hasLeftOut;
            (_isSilent, _hasLeftOut) = (false, false);
            return true;
        }

        if (!_isSilent || timestamp - _passedAt >= RenewEvery)
        {
            (_isSilent, _passedAt) = (true, timestamp);
            return true;
        }

        _hasLeftOut = true;
        return false;
    }
}
