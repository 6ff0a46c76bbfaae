namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>Bounds of one connection.</summary>
/// <param name="MaxMessageBytes">The longest message of a client; a longer one closes the connection (1009).</param>
/// <param name="MaxQueued">Messages that may wait for a client; one that is further behind is closed (1008), for it has lost more than it can catch up with.</param>
internal sealed record MessageSocketLimits(int MaxMessageBytes, int MaxQueued);
