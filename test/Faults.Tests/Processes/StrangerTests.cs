using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using VoiceCluster.Faults.Grains;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Silos and clients that reach the table and the ports, and do not belong to the cluster: configured by files and settings, as operators do.</summary>
[Collection(RealServers.Name)]
public sealed class StrangerTests(ServerFixture servers) : IDisposable
{
    private const int Silos = 2;
    private const int Keys = 20;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Long enough for several tries of a stranger to join.</summary>
    private static readonly TimeSpan Several = TimeSpan.FromSeconds(5);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("voicecluster-faults-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public Task SiloAndClient_WithAStrangersSecret_StayOutAndTheClusterServes() => StayOutAsync(
        new Dictionary<string, string>(), new Dictionary<string, string> { ["CLUSTER_SECRET"] = "the secret of a stranger" }, "does not know the cluster's secret");

    [Fact]
    public Task SiloAndClient_WithAStrangersCertificate_StayOutAndTheClusterServes() => StayOutAsync(MakeCertificate("ours"), MakeCertificate("strange"), "refuses this silo");

    /// <summary>It trusts the cluster, which does not trust it: the others hang up, as a silo that dies does.</summary>
    [Fact]
    public async Task SiloAndClient_WithACertificateOfAnotherAuthority_StayOutAndTheClusterServes()
    {
        var ours = MakeCertificate("ours");
        await StayOutAsync(
            ours, new Dictionary<string, string>(MakeCertificate("strange")) { ["Cluster__AuthoritiesPath"] = ours["Cluster__CertificatePath"] }, "refuses this silo");
    }

    private async Task StayOutAsync(IReadOnlyDictionary<string, string> ours, IReadOnlyDictionary<string, string> theirs, string complaint)
    {
        await using var cluster = new ProcessCluster(servers, Silos, onRedis: true, network: null, TimeSpan.FromMilliseconds(300)) { Settings = ours };
        await cluster.StartAsync();
        var before = await AskAllAsync(cluster.Client);

        var silo = cluster.StartStranger(theirs);
        var client = await cluster.StartStrangeClientAsync(theirs);
        var call = client.GetGrain<ICounterGrain>("counter-0").IncrementAsync();
        var since = TimeProvider.System.GetTimestamp();
        while (!silo.Errors.Any(e => e.Contains(complaint, StringComparison.Ordinal)))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Deadline, $"The strange silo does not say what is wrong:\n{string.Join('\n', silo.Errors)}");
            await Task.Delay(20);
        }

        await Task.Delay(Several);

        // Nothing has moved, and nobody was voted dead: not even the activations are others.
        Assert.Equal(Silos, await cluster.CountActiveAsync());
        Assert.Equal(Silos, cluster.Living.Count());
        Assert.Equal(before, await AskAllAsync(cluster.Client));
        await Assert.ThrowsAsync<TimeoutException>(() => call.WaitAsync(Deadline));
        Assert.Equal(0, (await cluster.Client.GetGrain<ICounterGrain>("counter-0").ReadStoredAsync()).Value);
    }

    private static async Task<Guid[]> AskAllAsync(IClusterClient client) =>
        [.. (await Task.WhenAll(Enumerable.Range(0, Keys).Select(i => client.GetGrain<ICounterGrain>($"counter-{i}").ReadAsync().WaitAsync(Deadline)))).Select(r => r.Activation)];

    /// <summary>A certificate and its key as PEM files, and the settings that name them.</summary>
    private Dictionary<string, string> MakeCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (certificateFile, keyFile) = (Path.Combine(_folder.FullName, $"{name}.pem"), Path.Combine(_folder.FullName, $"{name}.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return new() { ["Cluster__CertificatePath"] = certificateFile, ["Cluster__KeyPath"] = keyFile };
    }
}
