namespace VoiceCluster.Media.Transports;

/// <summary>ICE and DTLS taken together.</summary>
public enum WebRtcTransportState : byte
{
    /// <summary>The client has sent nothing yet.</summary>
    New,

    /// <summary>ICE found a way; DTLS is not done.</summary>
    Connecting,

    /// <summary>Media flows.</summary>
    Connected,

    /// <summary>No ICE check for <see cref="WebRtcTransport.SilenceBeforeDisconnected"/>. The next one, or an ICE restart, brings it back.</summary>
    Disconnected,

    /// <summary>Closed, by request or because consent expired, DTLS failed or the client said close_notify.</summary>
    Closed,
}

/// <summary>Hears of a transport's states, on the worker's thread.</summary>
public interface IWebRtcTransportListener
{
    /// <summary>The state is now <paramref name="state"/>; closed comes once, and last.</summary>
    void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state);
}
