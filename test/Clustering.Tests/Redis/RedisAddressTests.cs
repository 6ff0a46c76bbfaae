namespace VoiceCluster.Clustering.Tests.Redis;

public sealed class RedisAddressTests
{
    [Theory]
    [InlineData("redis://localhost", "localhost", 6379, null, null, 0, false)]
    [InlineData("redis://localhost:6380/2", "localhost", 6380, null, null, 2, false)]
    [InlineData("redis://:pass@host:1/0", "host", 1, null, "pass", 0, false)]
    [InlineData("rediss://us%40er:p%3Aa%2Fss@host", "host", 6379, "us@er", "p:a/ss", 0, true)]
    [InlineData("redis://[::1]:7000", "::1", 7000, null, null, 0, false)]
    [InlineData("host", "host", 6379, null, null, 0, false)]
    [InlineData("host:7000", "host", 7000, null, null, 0, false)]
    [InlineData("my_redis.internal:7000", "my_redis.internal", 7000, null, null, 0, false)]
    [InlineData("[::1]:7000", "::1", 7000, null, null, 0, false)]
    [InlineData("::1", "::1", 6379, null, null, 0, false)]
    [InlineData("host:7000,password=a=b,user=u,ssl=True,defaultDatabase=4,abortConnect=false,connectTimeout=500", "host", 7000, "u", "a=b", 4, true)]
    [InlineData(" host , PASSWORD = x ", "host", 6379, null, "x", 0, false)]
    public void TryParse_BothForms_AreRead(string text, string host, int port, string? user, string? password, int database, bool useTls)
    {
        Assert.True(RedisAddress.TryParse(text, out var address, out var error), error);
        Assert.Equal((host, port, user, password, database, useTls, host), (address.Host, address.Port, address.User, address.Password, address.Database, address.UseTls, address.TlsHost));
        Assert.True(RedisAddress.TryParse(address.ToConfigurationString(), out var again, out _));
        Assert.Equal(address.ToConfigurationString(), again.ToConfigurationString());
    }

    [Fact]
    public void TryParse_WithANameForTheCertificate_KeepsIt()
    {
        Assert.True(RedisAddress.TryParse("10.0.0.1:6379,ssl=true,sslHost=redis.example", out var address, out _));
        Assert.Equal("redis.example", address.TlsHost);
        Assert.Contains("sslHost=redis.example", address.ToConfigurationString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "names no host")]
    [InlineData("http://:secret@host", "not of the form")]
    [InlineData("redis://", "not of the form")]
    [InlineData("redis://:secret@host/first", "must be a number")]
    [InlineData("redis://:secret@host/0?tls=1", "none is known")]
    [InlineData("redis://:secret%2C@host", "comma")]
    [InlineData("redis://:secret%20@host", "blank")]
    [InlineData("password=secret,host:1", "must begin with host:port")]
    [InlineData("]:6379,password=secret", "no host that can be one")]
    [InlineData("a b:6379,password=secret", "no host that can be one")]
    [InlineData("host:0", "not of the form host:port")]
    [InlineData("host:65536,password=secret", "not of the form host:port")]
    [InlineData("a:1,b:2,password=secret", "one server")]
    [InlineData("host:1,password=secret,ssl=maybe", "must be true or false")]
    [InlineData("host:1,password=secret,defaultDatabase=x", "must be a number")]
    [InlineData("host:1,password=secret,colour=blue", "colour, which is not known")]
    public void TryParse_Faults_AreNamedWithoutThePassword(string text, string reason)
    {
        Assert.False(RedisAddress.TryParse(text, out var address, out var error));
        Assert.Null(address);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_NamesNoPassword()
    {
        Assert.True(RedisAddress.TryParse("redis://:secret@host:7", out var address, out _));
        Assert.Equal("host:7", $"{address}");
    }
}
