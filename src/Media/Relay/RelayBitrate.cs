namespace VoiceCluster.Media.Relay;

/// <summary>
/// What a sender should encode at, by the loss that its packets meet on the way here and on the way on: less above 10 %,
/// slowly more below 2 %, the rule of draft-ietf-rmcat-gcc-02 §6.
/// </summary>
internal sealed class RelayBitrate(int least, int most)
{
    /// <summary>µs between two looks.</summary>
    public const long Interval = 1_000_000;

    /// <summary>µs after which the sender is told again what it may not have heard.</summary>
    private const long RepeatAfter = 5_000_000;

    /// <summary>Of 256: 10 % and 2 %.</summary>
    private const int HighLoss = 26;
    private const int LowLoss = 5;

    private double _bitrate = most;
    private int _told;
    private long _toldAt = long.MinValue / 2;

    /// <summary>Bits a second.</summary>
    public int Bitrate => (int)_bitrate;

    /// <summary>Takes the loss since the last look, of 256. True when the sender should be told.</summary>
    public bool Update(int loss, long now)
    {
        if (loss > HighLoss)
        {
            _bitrate = Math.Max(least, _bitrate * (1 - (0.5 * loss / 256)));
        }
        else if (loss < LowLoss)
        {
            _bitrate = Math.Min(most, _bitrate * 1.05);
        }

        // A step of a twentieth is not heard.
        if (Math.Abs(Bitrate - _told) * 20 < _told && now - _toldAt < RepeatAfter)
        {
            return false;
        }

        (_told, _toldAt) = (Bitrate, now);
        return true;
    }
}
