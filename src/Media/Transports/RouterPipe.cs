using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Transports;

/// <summary>
/// A router's way to another router of the same room: on another media node (<see cref="PipeTransport"/>) or on another worker of
/// this one (<see cref="WorkerPipe"/>). A producer goes through it once, with all its encodings, and is a producer of the same id
/// at the other end.
/// </summary>
public abstract class RouterPipe : Transport
{
    /// <summary>Producers that one room's pipe carries at most.</summary>
    private const int MaxPiped = 10_000;

    private readonly MediaWorker _worker;
    private readonly Dictionary<string, PipeConsumer> _piped = new(StringComparer.Ordinal);

    private protected RouterPipe(MediaWorker worker, Router router, string id, bool enableRtx)
        : base(router, id, new Rtp.Ssrc(worker.TakePipeSsrc()))
    {
        _worker = worker;
        EnableRtx = enableRtx;
    }

    /// <summary>The SSRC of this end's feedback.</summary>
    public uint RtcpSsrc => _rtcpSsrc.Value;

    /// <summary>Whether lost video is sent again as a stream of its own.</summary>
    public bool EnableRtx { get; }

    /// <summary>What goes through the pipe, by producer.</summary>
    public IReadOnlyDictionary<string, PipeConsumer> Piped => _piped;

    internal sealed override bool IsClient => false;

    private protected sealed override int MaxProducers => MaxPiped;

    private protected sealed override int MaxConsumers => MaxPiped * 4;

    /// <summary>Sends a producer through the pipe; its answer's parameters are for <see cref="Transport.Produce"/> of the other end.</summary>
    public MediaResult<PipeConsumer> ConsumeForPipe(string producerId, long now)
    {
        if (_piped.TryGetValue(producerId, out var known))
        {
            return MediaResult<PipeConsumer>.Ok(known);
        }

        if (!Router.Producers.TryGetValue(producerId, out var producer))
        {
            return MediaResult<PipeConsumer>.Refuse(MediaFault.NotFound, $"There is no producer {producerId}.");
        }

        if (!Carries(producer))
        {
            return MediaResult<PipeConsumer>.Refuse(MediaFault.Conflict, $"Producer {producerId} came through a pipe itself.");
        }

        var encodings = producer.ConsumableParameters.Encodings.Length;
        string[] ids = [.. Enumerable.Range(0, encodings).Select(i => $"{Id}/{producerId}/{i}")];
        if (CheckNew<PipeConsumer>(encodings, ids) is { } refused)
        {
            return refused;
        }

        var parameters = Ortc.MakePipe(producer.ConsumableParameters, NextMid(), EnableRtx, _worker.TakePipeSsrc);
        var streams = new ProducerConsumer[encodings];
        for (var i = 0; i < encodings; i++)
        {
            streams[i] = StartEncoding(ids[i], producer, parameters with { Encodings = [parameters.Encodings[i]] }, i, now);
        }

        var consumer = new PipeConsumer(producer, parameters, streams);
        _piped.Add(producerId, consumer);
        return MediaResult<PipeConsumer>.Ok(consumer);
    }

    /// <inheritdoc/>
    public override void Close(long now)
    {
        if (!IsClosed)
        {
            base.Close(now);
            _worker.ReturnPipeSsrc(RtcpSsrc);
        }
    }

    /// <summary>Whether a producer of the router may go through, so that nothing goes around in a circle.</summary>
    private protected abstract bool Carries(Producer producer);

    internal override void OnConsumerClosed(Consumer consumer)
    {
        base.OnConsumerClosed(consumer);
        foreach (var ssrc in SsrcsOf(consumer.RtpParameters))
        {
            _worker.ReturnPipeSsrc(ssrc);
        }

        if (consumer is ProducerConsumer { Producer.Id: var producerId })
        {
            _piped.Remove(producerId);
        }
    }

    private protected static IEnumerable<uint> SsrcsOf(RtpParameters parameters)
    {
        foreach (var encoding in parameters.Encodings)
        {
            if (encoding.Ssrc is { } ssrc)
            {
                yield return ssrc;
            }

            if (encoding.Rtx is { } rtx)
            {
                yield return rtx.Ssrc;
            }
        }
    }
}
