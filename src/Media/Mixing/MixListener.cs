namespace VoiceCluster.Media.Mixing;

/// <summary>Takes a mix's frames.</summary>
public interface IMixSink
{
    /// <summary>False while frames would be of no use: paused, deafened, or not connected.</summary>
    bool IsListening { get; }

    /// <summary>True for one that wants a frame every 20 ms also in silence.</summary>
    bool FillsSilence => false;

    /// <summary>
    /// One Opus frame of 20 ms. The time stamp counts samples of 48 kHz and leaps over silence, after which
    /// <paramref name="begins"/> is true (RTP's marker).
    /// </summary>
    void OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now);
}

/// <summary>One who hears the mix of all but itself.</summary>
public sealed class MixListener
{
    internal MixListener(MixMember member, IMixSink sink)
    {
        Member = member;
        Sink = sink;
    }

    /// <summary>The participant, whose own sources it does not hear.</summary>
    public string Owner => Member.Owner;

    internal MixMember Member { get; }

    internal IMixSink Sink { get; }

    /// <summary>The frame given last.</summary>
    internal long GivenTick { get; set; } = long.MinValue / 2;
}
