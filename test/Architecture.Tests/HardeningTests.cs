using System.Text.RegularExpressions;

namespace VoiceCluster.Architecture.Tests;

/// <summary>docs/hardening.md, held against the code.</summary>
public sealed class HardeningTests
{
    [Fact]
    public void Table_NamesOnlyTestsThatExist()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs/hardening.md"));
        var named = Regex.Matches(document, "`([A-Z][A-Za-z0-9]+_[A-Za-z0-9_]+)`").Select(m => m.Groups[1].Value).Distinct().ToArray();
        var tests = Repository.SourceFiles("test").SelectMany(File.ReadLines)
            .Select(l => Regex.Match(l, @"public (?:async Task|Task|void) (\w+)\(")).Where(m => m.Success).Select(m => m.Groups[1].Value).ToHashSet();
        Assert.NotEmpty(named);
        Assert.DoesNotContain(named, n => !tests.Contains(n));
    }

    /// <summary>A comparison that ends at the first difference tells a forger how far he got.</summary>
    [Fact]
    public void Macs_AreComparedInConstantTime()
    {
        foreach (var file in (string[])["src/Media/Srtp/SrtpReceiver.cs", "src/Media/Stun/StunMessage.cs"])
        {
            var code = File.ReadAllText(Path.Combine(Repository.Root, file));
            Assert.Contains("CryptographicOperations.FixedTimeEquals", code, StringComparison.Ordinal);
            Assert.DoesNotMatch(@"(mac|tag|expected|Integrity)\w*\)?\.SequenceEqual", code);
        }
    }

    [Theory]
    [InlineData("10.0.0.0-10.255.255.255")]
    [InlineData("127.0.0.0-127.255.255.255")]
    [InlineData("172.16.0.0-172.31.255.255")]
    [InlineData("192.168.0.0-192.168.255.255")]
    [InlineData("169.254.0.0-169.254.255.255")]
    [InlineData("::ffff:0.0.0.0-::ffff:255.255.255.255")]
    [InlineData("fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    public void Turn_Configuration_DeniesPrivatePeers(string range) => Assert.Contains(
        $"denied-peer-ip={range}", File.ReadAllLines(Path.Combine(Repository.Root, "deploy/coturn/turnserver.conf")));
}
