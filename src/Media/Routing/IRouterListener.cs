using VoiceCluster.Media.Audio;

namespace VoiceCluster.Media.Routing;

/// <summary>What a router tells its owner, on its own thread, during the call that caused it.</summary>
public interface IRouterListener
{
    /// <summary>The set, order or loudness of speakers changed; loudest first; at most ten times a second.</summary>
    void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers);

    /// <summary>A producer closed, by itself or with its transport.</summary>
    void OnProducerClosed(Router router, Producer producer);

    /// <summary>A consumer closed: by request, with its transport or with its producer.</summary>
    void OnConsumerClosed(Router router, Consumer consumer);
}

/// <summary>Listens to nothing.</summary>
public sealed class SilentRouterListener : IRouterListener
{
    /// <summary>The one instance.</summary>
    public static readonly SilentRouterListener Instance = new();

    private SilentRouterListener()
    {
    }

    /// <inheritdoc/>
    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
    }

    /// <inheritdoc/>
    public void OnProducerClosed(Router router, Producer producer)
    {
    }

    /// <inheritdoc/>
    public void OnConsumerClosed(Router router, Consumer consumer)
    {
    }
}
