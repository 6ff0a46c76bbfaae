using System.Net;
using Microsoft.Extensions.Configuration;

namespace VoiceCluster.Clustering;

/// <summary>Where this process stands in the cluster: section <c>Cluster</c>.</summary>
public sealed class ClusterSettings
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Cluster";

    /// <summary>Shortest secret, characters.</summary>
    private const int MinSecretLength = 16;

    /// <summary>Processes of one id form a cluster. Default <c>voicecluster</c>.</summary>
    public string Id { get; set; } = "voicecluster";

    /// <summary>What <see cref="AdvertisedIp"/> may be in place of an address.</summary>
    public const string Auto = "auto";

    /// <summary>
    /// The address at which the other processes reach this silo. Default 127.0.0.1: one machine. <c>auto</c> is what this
    /// machine's own name stands for, which is right inside a container.
    /// </summary>
    public string AdvertisedIp { get; set; } = "127.0.0.1";

    /// <summary>The address that a silo listens at. Default the advertised one; <c>0.0.0.0</c> inside a container.</summary>
    public string? Bind { get; set; }

    /// <summary>TCP port for silos; 0 takes a free one. Default 11111, in Standalone 0.</summary>
    public int SiloPort { get; set; } = 11_111;

    /// <summary>TCP port for frontends and media nodes; 0 takes a free one. Default 30000, in Standalone 0.</summary>
    public int GatewayPort { get; set; } = 30_000;

    /// <summary>Nobody joins or calls without it (<c>Cluster:Secret</c> or <c>CLUSTER_SECRET</c>), 16 characters at least. Needed off loopback.</summary>
    public string Secret { get; set; } = "";

    /// <summary>PEM file of this process's certificate; with it connections between processes are TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>PEM file of its key.</summary>
    public string? KeyPath { get; set; }

    /// <summary>PEM file of the authorities whose certificates are trusted. Default: only the same certificate.</summary>
    public string? AuthoritiesPath { get; set; }

    /// <summary>Reads and checks the section.</summary>
    /// <exception cref="OrleansConfigurationException">Values are wrong; all of them are named.</exception>
    internal static ClusterSettings Read(IConfiguration configuration, bool isStandalone)
    {
        var settings = new ClusterSettings();
        if (isStandalone)
        {
            (settings.SiloPort, settings.GatewayPort) = (0, 0);
        }

        configuration.GetSection(Section).Bind(settings);
        if (configuration["CLUSTER_SECRET"] is { Length: > 0 } secret)
        {
            settings.Secret = secret;
        }

        if (settings.AdvertisedIp == Auto)
        {
            settings.AdvertisedIp = Array.Find(
                Dns.GetHostAddresses(Dns.GetHostName()), static a => a.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)?.ToString() ?? Auto;
        }

        var faults = settings.Faults().ToArray();
        return faults.Length == 0 ? settings : throw new OrleansConfigurationException(string.Join(Environment.NewLine, faults));
    }

    /// <summary>The address at which others reach it.</summary>
    internal IPAddress Advertised => IPAddress.Parse(AdvertisedIp);

    /// <summary>The address that it listens at.</summary>
    internal IPAddress Listening => Bind is { Length: > 0 } bind ? IPAddress.Parse(bind) : Advertised;

    private IEnumerable<string> Faults()
    {
        if (Id.Length is 0 or > 100)
        {
            yield return $"{Section}:Id is \"{Id}\"; it must have 1 to 100 characters.";
        }

        if (!IPAddress.TryParse(AdvertisedIp, out var advertised) || advertised.Equals(IPAddress.Any) || advertised.Equals(IPAddress.IPv6Any))
        {
            yield return $"{Section}:AdvertisedIp is \"{AdvertisedIp}\"; it must be the IP address at which the other processes reach this one.";
        }

        if (Bind is { Length: > 0 } bind && !IPAddress.TryParse(bind, out _))
        {
            yield return $"{Section}:Bind is \"{bind}\"; it must be an IP address.";
        }

        foreach (var (name, port) in ((string, int)[])[(nameof(SiloPort), SiloPort), (nameof(GatewayPort), GatewayPort)])
        {
            if (port is < 0 or > 65_535)
            {
                yield return $"{Section}:{name} is {port}; it must be between 0 and 65535.";
            }
        }

        if (Secret.Length is > 0 and < MinSecretLength)
        {
            yield return $"{Section}:Secret has {Secret.Length} characters; it must have {MinSecretLength} at least.";
        }

        if (Secret.Length == 0 && IPAddress.TryParse(Bind is { Length: > 0 } ? Bind : AdvertisedIp, out var listening) && !IPAddress.IsLoopback(listening))
        {
            yield return $"{Section}:Secret is empty, but the silo listens at {listening}: whoever reaches it could call every grain. Set CLUSTER_SECRET.";
        }

        if ((CertificatePath is null) != (KeyPath is null))
        {
            yield return $"{Section}:CertificatePath and {Section}:KeyPath belong together; one of them is missing.";
        }

        foreach (var (name, path) in ((string, string?)[])[(nameof(CertificatePath), CertificatePath), (nameof(KeyPath), KeyPath), (nameof(AuthoritiesPath), AuthoritiesPath)])
        {
            if (path is not null && !File.Exists(path))
            {
                yield return $"{Section}:{name} is \"{path}\"; there is no such file.";
            }
        }
    }
}
