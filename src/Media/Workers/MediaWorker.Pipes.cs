using System.Buffers.Binary;
using System.Security.Cryptography;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Workers;

/// <summary>Pipes to other media nodes: they use the same port, and share their pair of ports with other rooms' pipes.</summary>
public sealed partial class MediaWorker
{
    private readonly Dictionary<PipeStream, PipeTransport> _byPipeStream = [];
    private readonly HashSet<uint> _pipeSsrcs = [];
    private readonly TransportSet<PipeTransport> _pipes;

    /// <summary>Opens a pipe in a router of this worker, towards the same room on another node.</summary>
    /// <param name="cryptoSuite">See <see cref="SrtpParameters"/>; both ends must have the same.</param>
    /// <param name="enableRtx">Whether lost video is sent again.</param>
    public MediaResult<PipeTransport> CreatePipeTransport(
        Router router, string id, long now, string cryptoSuite = SrtpParameters.DefaultSuite, bool enableRtx = true)
    {
        if (router.IsClosed)
        {
            return MediaResult<PipeTransport>.Refuse(MediaFault.Closed, "The room is closed.");
        }

        if (router.Transports.ContainsKey(id))
        {
            return MediaResult<PipeTransport>.Refuse(MediaFault.Conflict, "The transport id is taken.");
        }

        var pipe = new PipeTransport(this, router, id, cryptoSuite, enableRtx);
        _pipes.Add(pipe, now);
        Stats.Pipes = _pipes.Count;
        return MediaResult<PipeTransport>.Ok(pipe);
    }

    /// <summary>Lets a pipe run its timers at once, after a command has changed what it carries.</summary>
    public void RunSoon(PipeTransport pipe, long now) => RunSoon(pipe.Timer, now);

    /// <summary>An SSRC that no pipe of this worker sends with: two of one room or of two would meet at the other end.</summary>
    internal uint TakePipeSsrc()
    {
        uint ssrc;
        do
        {
            ssrc = (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue);
        }
        while (!_pipeSsrcs.Add(ssrc));

        return ssrc;
    }

    internal void ReturnPipeSsrc(uint ssrc) => _pipeSsrcs.Remove(ssrc);

    /// <summary>False when another pipe has this stream.</summary>
    internal bool TryMapPipe(in TransportAddress remote, uint ssrc, PipeTransport pipe) =>
        _byPipeStream.TryAdd(new PipeStream(remote, ssrc), pipe) || FindPipe(remote, ssrc) == pipe;

    internal PipeTransport? FindPipe(in TransportAddress remote, uint ssrc) => _byPipeStream.GetValueOrDefault(new PipeStream(remote, ssrc));

    internal void UnmapPipe(in TransportAddress remote, uint ssrc, PipeTransport pipe)
    {
        if (FindPipe(remote, ssrc) == pipe)
        {
            _byPipeStream.Remove(new PipeStream(remote, ssrc));
        }
    }

    /// <summary>A closing pipe leaves the tables; its counters stay in the sums.</summary>
    internal void Forget(PipeTransport pipe)
    {
        _pipes.Remove(pipe);
        Stats.Pipes = _pipes.Count;
    }

    private bool TryReceiveFromPipe(DatagramKind kind, Span<byte> datagram, in TransportAddress from, long now)
    {
        // The SSRC is in the clear: of RTP the stream's, of RTCP the sender's (RFC 3711 §3.1, §3.4). Any that is ours is still to be authenticated.
        var at = kind == DatagramKind.Rtp ? 8 : 4;
        if (kind is not (DatagramKind.Rtp or DatagramKind.Rtcp) || datagram.Length < at + 4 || _byPipeStream.Count == 0
            || !_byPipeStream.TryGetValue(new PipeStream(from, BinaryPrimitives.ReadUInt32BigEndian(datagram[at..])), out var pipe))
        {
            return false;
        }

        if (kind == DatagramKind.Rtp)
        {
            pipe.ReceiveSrtp(datagram, now);
        }
        else
        {
            pipe.ReceiveSrtcp(datagram, now);
        }

        _deadlines.NoLaterThan(pipe.Timer, pipe.Deadline);
        return true;
    }

    /// <summary>A stream as it comes to this port.</summary>
    private readonly record struct PipeStream(TransportAddress Remote, uint Ssrc);
}
