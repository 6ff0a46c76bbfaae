using VoiceCluster.LoadTest.Figures;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>How long members took to join. Any thread adds.</summary>
internal sealed class JoinFigures
{
    private readonly Lock _gate = new();
    private readonly LatencyHistogram _members = new();
    private readonly LatencyHistogram _transports = new();

    /// <summary>Members that joined, from the opening of the WebSocket until all their streams were set up; in ticks of 100 ns.</summary>
    public LatencyHistogram Members => Copy(_members);

    /// <summary>Transports, from the server's description to connected ICE and DTLS; in ticks of 100 ns.</summary>
    public LatencyHistogram Transports => Copy(_transports);

    /// <summary>Joins that failed.</summary>
    public int Failures { get; private set; }

    /// <summary>The first failure's text.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>A member is complete.</summary>
    public void MemberJoined(TimeSpan time)
    {
        lock (_gate)
        {
            _members.Add(time.Ticks);
        }
    }

    /// <summary>A transport is connected.</summary>
    public void TransportConnected(TimeSpan time)
    {
        lock (_gate)
        {
            _transports.Add(time.Ticks);
        }
    }

    /// <summary>A member could not join.</summary>
    public void Failed(Exception reason)
    {
        lock (_gate)
        {
            Failures++;
            FirstFailure ??= reason.Message;
        }
    }

    private LatencyHistogram Copy(LatencyHistogram source)
    {
        var copy = new LatencyHistogram();
        lock (_gate)
        {
            copy.Add(source);
        }

        return copy;
    }
}
