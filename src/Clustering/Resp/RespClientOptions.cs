using System.Security.Cryptography.X509Certificates;

namespace VoiceCluster.Clustering.Resp;

/// <summary>How <see cref="RespClient"/> behaves.</summary>
public sealed record RespClientOptions
{
    /// <summary>Shown by <c>CLIENT LIST</c> on the server.</summary>
    public string ClientName { get; init; } = "voicecluster";

    /// <summary>How long a call may take, waiting for a connection included. Default 5 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one attempt to connect may take, TLS and login included. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The first pause between two attempts to connect; it doubles. Default 100 ms.</summary>
    public TimeSpan MinReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest pause between two attempts to connect. Default 2 s.</summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Commands that may wait to be sent. Default 1,024; one more is refused.</summary>
    public int MaxPendingCommands { get; init; } = 1_024;

    /// <summary>Authorities that may have signed the server's certificate, instead of the system's.</summary>
    public X509Certificate2Collection? TrustedCertificates { get; init; }

    /// <summary>The client's own certificate, for a server that asks for one.</summary>
    public X509Certificate2? ClientCertificate { get; init; }
}
