using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>
/// One producer on its way through a pipe to another router: all its encodings, each as a stream of its own, so that the
/// router there chooses layers for its own consumers.
/// </summary>
public sealed class PipeConsumer
{
    internal PipeConsumer(Producer producer, RtpParameters parameters, ProducerConsumer[] streams)
    {
        Producer = producer;
        RtpParameters = parameters;
        Streams = streams;
    }

    /// <summary>Its source.</summary>
    public Producer Producer { get; }

    /// <summary>What the other router's transport needs to produce it there.</summary>
    public RtpParameters RtpParameters { get; }

    /// <summary>One for each encoding of the source.</summary>
    public IReadOnlyList<ProducerConsumer> Streams { get; }

    /// <summary>True after <see cref="Close"/>, and when its producer or its pipe has closed.</summary>
    public bool IsClosed => Streams[0].IsClosed;

    /// <summary>Ends it.</summary>
    public void Close(long now)
    {
        foreach (var stream in Streams)
        {
            stream.Close(now);
        }
    }
}
