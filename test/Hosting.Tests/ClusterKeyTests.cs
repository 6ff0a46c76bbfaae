using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace VoiceCluster.Hosting.Tests;

public sealed class ClusterKeyTests
{
    private const string Path = "/recordings/1/a.ogg";

    private readonly SettableTime _time = new();

    [Fact]
    public void Signature_OfTheSameSecret_HoldsForItsRequestAlone()
    {
        var header = Key("a secret of the cluster").Sign("GET", Path);
        var other = Key("a secret of the cluster");
        Assert.True(other.Verify("GET", Path, header));
        Assert.False(other.Verify("DELETE", Path, header));
        Assert.False(other.Verify("GET", "/recordings/1/b.ogg", header));
        Assert.False(Key("another secret entirely").Verify("GET", Path, header));
        Assert.False(ClusterKey.Own(_time).Verify("GET", Path, header));
    }

    [Fact]
    public void Signature_HoldsForHalfAMinute()
    {
        var key = Key("a secret of the cluster");
        var header = key.Sign("GET", Path);
        _time.Now += TimeSpan.FromSeconds(29);
        Assert.True(key.Verify("GET", Path, header));
        _time.Now += TimeSpan.FromSeconds(3);
        Assert.False(key.Verify("GET", Path, header));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("x.00")]
    [InlineData("99999999999999999999.00")]
    [InlineData("1767225610.zz")]
    [InlineData("1767225610.0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("1767225610.zz00000000000000000000000000000000000000000000000000000000000000")]
    public void Signature_ThatIsNone_IsRefused(string header) => Assert.False(Key("a secret of the cluster").Verify("GET", Path, header));

    [Theory]
    [InlineData("", "127.0.0.1", true)]
    [InlineData("", "10.0.0.9", false)]
    [InlineData("a secret of the cluster", "10.0.0.9", true)]
    public void Request_WithoutASecret_IsBelievedFromThisMachineAlone(string secret, string from, bool believed)
    {
        var key = Key(secret);
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(from);
        context.Request.Method = "GET";
        context.Request.Path = Path;
        context.Request.Headers[ClusterKey.Header] = key.Sign("GET", Path);
        Assert.Equal(believed, key.Verify(context.Request));
        context.Request.Headers.Remove(ClusterKey.Header);
        Assert.False(key.Verify(context.Request));
    }

    private ClusterKey Key(string secret) =>
        ClusterKey.Of(new ConfigurationBuilder().AddInMemoryCollection([new("Cluster:Secret", secret)]).Build(), _time);

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
