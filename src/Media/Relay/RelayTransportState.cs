namespace VoiceCluster.Media.Relay;

/// <summary>Whether a relay client has proved its address.</summary>
public enum RelayTransportState : byte
{
    /// <summary>Not yet: nothing is taken from it, and nothing sent.</summary>
    New,

    /// <summary>Proved.</summary>
    Connected,

    /// <summary>It was silent for <see cref="RelaySettings.Silence"/>: it must prove its address again.</summary>
    Disconnected,

    /// <summary>Closed by request.</summary>
    Closed,
}

/// <summary>Hears of a transport's states, on the worker's thread.</summary>
public interface IRelayTransportListener
{
    /// <summary>The state is now <paramref name="state"/>; closed comes once, and last.</summary>
    void OnStateChanged(RelayTransport transport, RelayTransportState state);
}
