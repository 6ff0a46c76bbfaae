using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>A producer's media on its way to one receiver.</summary>
public sealed class Consumer
{
    internal Consumer(Transport transport, string id, Producer producer, RtpParameters parameters)
    {
        Transport = transport;
        Id = id;
        Producer = producer;
        RtpParameters = parameters;
    }

    public string Id { get; }

    public MediaKind Kind => Producer.Kind;

    public Transport Transport { get; }

    public Producer Producer { get; }

    /// <summary>What the client's consume() needs.</summary>
    public RtpParameters RtpParameters { get; }

    public bool IsPaused { get; private set; }

    public bool IsProducerPaused => Producer.IsPaused;

    public bool IsClosed { get; private set; }

    public void Pause(long now) => IsPaused = true;

    public void Resume(long now) => IsPaused = false;

    /// <summary>The highest layers wanted; the best that flows below them is forwarded. Null: no temporal limit.</summary>
    public void SetPreferredLayers(int spatialLayer, int? temporalLayer, long now)
    {
    }

    public void RequestKeyFrame(long now)
    {
    }

    public void Close(long now) => IsClosed = true;
}
