namespace Orleans.Configuration;

/// <summary>Messages between grains.</summary>
public abstract class MessagingOptions
{
    /// <summary>How long a caller waits for an answer. Default 30 s.</summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Messages of a silo.</summary>
public class SiloMessagingOptions : MessagingOptions
{
    /// <summary>Requests that one activation may have, those that run included; with more, calls fail with <see cref="Runtime.LimitExceededException"/>. Default 0: any number.</summary>
    public int MaxEnqueuedRequestsHardLimit { get; set; }
}

/// <summary>Messages of a client.</summary>
public class ClientMessagingOptions : MessagingOptions
{
}

/// <summary>When idle activations are collected.</summary>
public class GrainCollectionOptions
{
    /// <summary>Idle time after which an activation is collected. Default 15 minutes.</summary>
    public TimeSpan CollectionAge { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How often idle activations are looked for. Default 1 minute.</summary>
    public TimeSpan CollectionQuantum { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long OnActivateAsync may take. Default 30 s.</summary>
    public TimeSpan ActivationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long OnDeactivateAsync may take. Default 30 s.</summary>
    public TimeSpan DeactivationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Ages of single classes, by full name.</summary>
    public Dictionary<string, TimeSpan> ClassSpecificCollectionAge { get; set; } = [];
}

/// <summary>Names of the cluster.</summary>
public class ClusterOptions
{
    /// <summary>Silos of one id form a cluster. Default "default".</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>Names the stored state across clusters. Default "default".</summary>
    public string ServiceId { get; set; } = "default";
}

/// <summary>The silo itself.</summary>
public class SiloOptions
{
    /// <summary>For people. Default the machine's name.</summary>
    public string SiloName { get; set; } = Environment.MachineName;
}

/// <summary>Where a silo listens.</summary>
public class EndpointOptions
{
    /// <summary>The address that others use.</summary>
    public System.Net.IPAddress? AdvertisedIPAddress { get; set; }

    /// <summary>Where to listen for silos when that is not the advertised address.</summary>
    public System.Net.IPEndPoint? SiloListeningEndpoint { get; set; }

    /// <summary>Where to listen for clients when that is not the advertised address.</summary>
    public System.Net.IPEndPoint? GatewayListeningEndpoint { get; set; }

    /// <summary>Port for silos. Default 11111.</summary>
    public int SiloPort { get; set; } = 11_111;

    /// <summary>Port for clients. Default 30000.</summary>
    public int GatewayPort { get; set; } = 30_000;
}

/// <summary>How silos watch each other.</summary>
public class ClusterMembershipOptions
{
    /// <summary>Probes that a silo may miss before it is suspected. Default 3.</summary>
    public int NumMissedProbesLimit { get; set; } = 3;

    /// <summary>How long an answer to a probe may take, and how often probes are sent. Default 1 s (the official engine: 5 s).</summary>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many silos watch each. Default 10.</summary>
    public int NumProbedSilos { get; set; } = 10;

    /// <summary>Votes that declare a silo dead. Default 2.</summary>
    public int NumVotesForDeathDeclaration { get; set; } = 2;

    /// <summary>How long a vote counts. Default 3 minutes.</summary>
    public TimeSpan DeathVoteExpirationTimeout { get; set; } = TimeSpan.FromMinutes(3);

    /// <summary>How often a silo writes that it lives. Default 30 s.</summary>
    public TimeSpan IAmAliveTablePublishTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many of these may be missing before a silo counts no more among those whose votes a death needs. Default 3.</summary>
    public int NumMissedTableIAmAliveLimit { get; set; } = 3;

    /// <summary>How often the table is read. Default 10 s (the official engine: 1 minute).</summary>
    public TimeSpan TableRefreshTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether another silo is asked to look before one is voted dead. Default true.</summary>
    public bool EnableIndirectProbes { get; set; } = true;

    /// <summary>How long rows of dead silos stay in the table. Default 7 days.</summary>
    public TimeSpan DefunctSiloExpiration { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often rows of dead silos are looked for; null: never. Default 1 hour.</summary>
    public TimeSpan? DefunctSiloCleanupPeriod { get; set; } = TimeSpan.FromHours(1);
}

/// <summary>Reminders.</summary>
public class ReminderOptions
{
    /// <summary>A shorter period is refused. Default 1 minute.</summary>
    public TimeSpan MinimumReminderPeriod { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the table is read for reminders that other silos have set. Default 5 minutes.</summary>
    public TimeSpan RefreshReminderListPeriod { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>Who may join the cluster. This engine's own; with the official packages, TLS with client certificates does it.</summary>
public class ClusterSecurityOptions
{
    /// <summary>Nobody joins or calls without it. Empty: everybody who reaches the ports is trusted, for one machine only.</summary>
    public string Secret { get; set; } = "";

    /// <summary>With a certificate and its key, connections are TLS and both sides show theirs.</summary>
    public System.Security.Cryptography.X509Certificates.X509Certificate2? Certificate { get; set; }

    /// <summary>Whose certificates are trusted. Null: only a certificate that is the same as <see cref="Certificate"/>.</summary>
    public System.Security.Cryptography.X509Certificates.X509Certificate2Collection? TrustedAuthorities { get; set; }
}
