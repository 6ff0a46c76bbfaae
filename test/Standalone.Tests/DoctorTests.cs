using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Standalone.Tests;

/// <summary><c>doctor</c> as a process, against real ports, a real coturn and a real database file.</summary>
public sealed class DoctorTests
{
    [Fact]
    public async Task Defaults_OnLoopback_AreGoodAndNameTheCandidate()
    {
        var port = DoctorRun.UdpPort();
        var run = await DoctorRun.RunAsync($"--Media:PortRange={port}-{port}");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains(run.Of("ok", "media"), l => l.Contains($"udp 127.0.0.1:{port} typ host", StringComparison.Ordinal));
        Assert.Single(run.Of("ok", "store"), l => l.Contains("SQLite", StringComparison.Ordinal));
        Assert.Single(run.Of("ok", "libraries"), l => l.Contains("OpenSSL 3", StringComparison.Ordinal));
        Assert.Contains(run.Of("ok", "identity"), l => l.Contains("Open mode", StringComparison.Ordinal));
        Assert.StartsWith("0 bad", run.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task HttpPort_InUse_IsBad()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var run = await DoctorRun.RunAsync($"--Http:Ports={port}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"TCP port {port} on 127.0.0.1 cannot be opened: it is in use.", Assert.Single(run.Of("BAD", "http")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MediaPorts_AllInUse_AreBad()
    {
        using UdpClient taken = new(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.Client.LocalEndPoint!).Port;

        var run = await DoctorRun.RunAsync($"--Media:PortRange={port}-{port}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"no UDP port of {port}-{port} on 127.0.0.1 can be opened: it is in use", Assert.Single(run.Of("BAD", "media")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Announced_LoopbackToClientsElsewhere_IsBad()
    {
        var run = await DoctorRun.RunAsync("--Http:Bind=0.0.0.0");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("clients on other machines are told 127.0.0.1", Assert.Single(run.Of("BAD", "media")), StringComparison.Ordinal);
        Assert.Contains(run.Of("ok", "identity"), l => l.Contains("Required mode", StringComparison.Ordinal));
        Assert.Contains(run.Of("warn", "ice"), l => l.Contains("no TURN server", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Announced_AddressThatIsNotListenedOn_IsBad()
    {
        var run = await DoctorRun.RunAsync("--Media:AnnouncedIp=203.0.113.7");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("clients are told 203.0.113.7, but the ports listen on 127.0.0.1 alone", Assert.Single(run.Of("BAD", "media")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Announced_AddressOfARouter_IsADoubtAndTold()
    {
        var port = DoctorRun.UdpPort();
        var run = await DoctorRun.RunAsync("--Media:Ip=0.0.0.0", "--Media:AnnouncedIp=203.0.113.7", $"--Media:PortRange={port}-{port}");

        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains(run.Of("ok", "media"), l => l.Contains($"udp 203.0.113.7:{port} typ host; it listens on 0.0.0.0:{port}", StringComparison.Ordinal));
        Assert.Contains(run.Of("warn", "media"), l => l.Contains("the router must pass", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Options_ThatAreWrong_AreNamedAllAtOnce()
    {
        var run = await DoctorRun.RunAsync("--Media:Ip=nowhere", "--Http:Bind=nowhere", "--Auth:ClockSkew=1.00:00:00");

        Assert.Equal(1, run.ExitCode);
        foreach (var option in new[] { "Media:Ip", "Http:Bind", "Auth:ClockSkew" })
        {
            Assert.Contains(run.Of("BAD", "configuration"), l => l.Contains(option, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Store_ThatIsAway_IsBad()
    {
        var run = await DoctorRun.RunAsync($"--DATABASE_URL=postgres://nobody:secret@127.0.0.1:{DoctorRun.TcpPort()}/nothing");

        Assert.Equal(1, run.ExitCode);
        var line = Assert.Single(run.Of("BAD", "store"));
        Assert.Contains("PostgreSQL cannot be used", line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", run.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Store_WithAnAddressThatIsNone_IsBad()
    {
        var run = await DoctorRun.RunAsync("--DATABASE_URL=mysql://127.0.0.1/x");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("DATABASE_URL", Assert.Single(run.Of("BAD", "configuration")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Servers_ThatAreAwayOrThere_AreTold()
    {
        using TcpListener redis = new(IPAddress.Loopback, 0);
        redis.Start();
        var run = await DoctorRun.RunAsync(
            $"--NATS_URL=nats://user:secret@127.0.0.1:{DoctorRun.TcpPort()}", $"--REDIS_URL=redis://:secret@127.0.0.1:{((IPEndPoint)redis.LocalEndpoint).Port}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("NATS at 127.0.0.1", Assert.Single(run.Of("BAD", "servers")), StringComparison.Ordinal);
        Assert.Contains("Redis at 127.0.0.1", Assert.Single(run.Of("ok", "servers")), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", run.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Turn_WithTheSecretOfTheServer_RelaysAndWithAnotherIsBad()
    {
        await using var turn = await TurnServer.StartAsync();

        var good = await DoctorRun.RunAsync($"--TURN_URL={turn.Url}", $"--TURN_SECRET={TurnServer.Secret}", $"--Ice:StunUrls=stun:127.0.0.1:{turn.Port}");
        var bad = await DoctorRun.RunAsync($"--TURN_URL={turn.Url}", "--TURN_SECRET=another secret, which coturn does not know");

        Assert.True(good.ExitCode == 0, good.ToString());
        Assert.Contains(good.Of("ok", "ice"), l => l.Contains("takes the credentials that clients are given, and relays from 127.0.0.1:", StringComparison.Ordinal));
        Assert.Contains(good.Of("ok", "ice"), l => l.Contains("sees this machine as 127.0.0.1:", StringComparison.Ordinal));
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains("does not take the name and password (error 401)", Assert.Single(bad.Of("BAD", "ice")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Turn_ThatIsAway_IsBadAndStunOnlyADoubt()
    {
        var run = await DoctorRun.RunAsync(
            $"--TURN_URL=turn:127.0.0.1:{DoctorRun.UdpPort()}", "--TURN_SECRET=0123456789abcdef", $"--Ice:StunUrls=stun:127.0.0.1:{DoctorRun.UdpPort()}");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("it does not answer over UDP", Assert.Single(run.Of("BAD", "ice")), StringComparison.Ordinal);
        Assert.Contains("it does not answer over UDP", Assert.Single(run.Of("warn", "ice")), StringComparison.Ordinal);
    }
}
