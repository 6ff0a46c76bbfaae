using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>A source of media in a router.</summary>
public sealed class Producer
{
    internal Producer(Transport transport, string id, MediaKind kind, RtpParameters parameters)
    {
        Transport = transport;
        Id = id;
        Kind = kind;
        RtpParameters = parameters;
    }

    public string Id { get; }

    public MediaKind Kind { get; }

    public Transport Transport { get; }

    public RtpParameters RtpParameters { get; }

    public bool IsPaused { get; private set; }

    public bool IsClosed { get; private set; }

    public void Pause(long now) => IsPaused = true;

    public void Resume(long now) => IsPaused = false;

    public void Close(long now) => IsClosed = true;
}
