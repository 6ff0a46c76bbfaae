using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// One remote endpoint's way in and out of a router. Sans-IO and single-threaded: the concrete transport feeds it
/// decrypted packets and gives it buffers to fill; `now` is monotonic microseconds.
/// </summary>
public abstract class Transport
{
    protected Transport(Router router, string id)
    {
        Router = router;
        Id = id;
    }

    public string Id { get; }

    public Router Router { get; }

    public bool IsClosed { get; private set; }

    public TransportStats Stats { get; } = new();

    /// <summary>A decrypted RTP packet; the span may be modified.</summary>
    public void ReceiveRtp(Span<byte> packet, long now)
    {
    }

    /// <summary>A decrypted, possibly compound RTCP packet.</summary>
    public void ReceiveRtcp(ReadOnlySpan<byte> packet, long now)
    {
    }

    /// <summary>Runs what is due and returns when to call again, in microseconds of `now`.</summary>
    public long Advance(long now) => now + 1_000_000;

    public MediaResult<Producer> Produce(string id, MediaKind kind, RtpParameters parameters, bool paused, long now) => throw new NotSupportedException();

    public MediaResult<Consumer> Consume(string id, string producerId, RtpCapabilities capabilities, bool paused, long now) => throw new NotSupportedException();

    /// <summary>Closes its producers and consumers and leaves the router. The concrete transport overrides to free its own.</summary>
    public virtual void Close(long now) => IsClosed = true;

    /// <summary>To be called when the transport becomes able to send: waiting video consumers then ask for key frames.</summary>
    protected void OnConnected(long now)
    {
    }

    /// <summary>At least <see cref="Net.Datagram.MaxSize"/> bytes including room for the SRTP tag; empty while not connected.</summary>
    protected internal abstract Span<byte> RentPacket();

    /// <summary>Protects the first <paramref name="length"/> bytes of the rented buffer in place as SRTP and queues them.</summary>
    protected internal abstract void CommitRtp(int length, long now);

    /// <summary>The same as SRTCP.</summary>
    protected internal abstract void CommitRtcp(int length, long now);
}
