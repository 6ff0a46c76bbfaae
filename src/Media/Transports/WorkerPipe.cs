using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// A router's way to the router of the same room on another worker of the process: RTP and RTCP as they are, by the memory that the
/// two workers share (<see cref="WorkerLink"/>). Nothing is encrypted, and nothing passes the system.
/// </summary>
public sealed class WorkerPipe : RouterPipe, IWorkerTransport
{
    private readonly MediaWorker _worker;
    private readonly WorkerLink _link;

    internal WorkerPipe(MediaWorker worker, Router router, string id, int number, WorkerLink link)
        : base(worker, router, id, enableRtx: false)
    {
        _worker = worker;
        _link = link;
        Number = number;
        Timer = new PipeTimer(this);
    }

    /// <summary>By which the workers know it, the same at both ends.</summary>
    public int Number { get; }

    int IWorkerTransport.Index { get; set; }

    Timed IWorkerTransport.Timer => Timer;

    internal Timed Timer { get; }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (!IsClosed)
        {
            base.Close(now);
            _worker.Forget(this);
        }
    }

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket()
    {
        // When the ring is full the packet is written for nothing, so that its number is missing at the other end and video is asked for again.
        var buffer = _link.Output.Rent();
        return buffer.IsEmpty ? _worker.LinkScratch : buffer;
    }

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now) => Commit(RingDatagramKind.Rtp, length);

    /// <inheritdoc/>
    protected internal override void CommitRtcp(int length, long now) => Commit(RingDatagramKind.Rtcp, length);

    // Between two workers there is one pipe a room: what came through one is sent to no other.
    private protected override bool Carries(Producer producer) => producer.Transport is not WorkerPipe;

    private void Commit(RingDatagramKind kind, int length)
    {
        if (!_link.Output.TryCommit(Number, kind, length))
        {
            Stats.CountDrop(DropReason.PipeFull);
        }
    }

    private sealed class PipeTimer(WorkerPipe pipe) : Timed
    {
        internal override long Run(long now) => pipe.Advance(now);
    }
}
