using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Workers;

/// <summary>Rooms that are on several workers of a process: the pipes between their routers, and the rings that these share.</summary>
public sealed partial class MediaWorker
{
    /// <summary>Datagrams that are taken from each other worker before the loop sends what they cause.</summary>
    private const int LinkBatch = IBatchSocket.BatchSize;

    private readonly Dictionary<int, WorkerPipe> _byNumber = [];
    private readonly TransportSet<WorkerPipe> _workerPipes;
    private WorkerLink[] _links = [];

    /// <summary>Where goes what does not fit into a ring.</summary>
    internal byte[] LinkScratch { get; } = new byte[Datagram.MaxSize];

    /// <summary>True when another worker has published datagrams for this one. A full fence has to come before, where the thread is to sleep.</summary>
    public bool HasLinkInput
    {
        get
        {
            foreach (var link in _links)
            {
                if (link.Input.HasInput)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Opens this worker's end of a pipe to a router of the same room on another worker.</summary>
    /// <param name="number">The same at both ends, and of no other pipe of the process.</param>
    /// <param name="link">This worker's end of its connection with the other.</param>
    public MediaResult<WorkerPipe> CreateWorkerPipe(Router router, string id, int number, WorkerLink link, long now)
    {
        if (router.IsClosed)
        {
            return MediaResult<WorkerPipe>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        if (router.Transports.ContainsKey(id) || _byNumber.ContainsKey(number))
        {
            return MediaResult<WorkerPipe>.Refuse(MediaFault.Conflict, "The transport id is taken.");
        }

        if (!_links.Contains(link))
        {
            _links = [.. _links, link];
        }

        var pipe = new WorkerPipe(this, router, id, number, link);
        _byNumber.Add(number, pipe);
        _workerPipes.Add(pipe, now);
        Stats.WorkerPipes = _workerPipes.Count;
        return MediaResult<WorkerPipe>.Ok(pipe);
    }

    /// <summary>Takes a batch of what other workers have sent; returns how many datagrams that were. As many as the batch size: there may be more.</summary>
    public int ReceiveFromWorkers(long now)
    {
        var most = 0;
        BeginBatch();
        foreach (var link in _links)
        {
            var count = 0;
            while (count < LinkBatch && link.Input.TryRead(out var number, out var kind, out var datagram))
            {
                count++;
                Receive(number, kind, datagram, now);
            }

            link.Input.EndRead();
            Stats.WorkerPipePackets += count;
            most = Math.Max(most, count);
        }

        EndBatch(now);
        return most;
    }

    /// <summary>Lets other workers see what was sent to them, and wakes those that sleep.</summary>
    public void FlushLinks()
    {
        foreach (var link in _links)
        {
            link.Flush();
        }
    }

    /// <summary>Lets a pipe run its timers at once, after a command has changed what it carries.</summary>
    public void RunSoon(WorkerPipe pipe, long now) => RunSoon(pipe.Timer, now);

    /// <summary>A closing pipe leaves the tables; its drops stay in the sums.</summary>
    internal void Forget(WorkerPipe pipe)
    {
        _byNumber.Remove(pipe.Number);
        _workerPipes.Remove(pipe);
        Stats.WorkerPipes = _workerPipes.Count;
    }

    private void Receive(int number, RingDatagramKind kind, Span<byte> datagram, long now)
    {
        if (!_byNumber.TryGetValue(number, out var pipe))
        {
            // This end has closed; the other will.
            Stats.CountDrop(DropReason.UnknownSource);
            return;
        }

        if (kind == RingDatagramKind.Rtp)
        {
            pipe.ReceiveRtp(datagram, now);
        }
        else
        {
            pipe.ReceiveRtcp(datagram, now);
        }

        _deadlines.NoLaterThan(pipe.Timer, pipe.Deadline);
    }
}
