using System.Net;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Tests.Auth;

namespace VoiceCluster.ApiFrontend.Tests.Limits;

/// <summary>Limits, foreign origins and proxies over HTTP, on a clock that the test moves.</summary>
public sealed class RequestLimitTests
{
    private readonly StoppedTime _time = new();

    [Fact]
    public async Task Address_PastItsLimit_Gets429UntilTheTimeItWasTold()
    {
        await using var host = await StartAsync(("RateLimit:AddressBurst", "3"), ("RateLimit:AddressPerSecond", "0.25"));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/public"));
        }

        using var refused = await host.GetAsync("/public");
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(4), refused.Headers.RetryAfter!.Delta);
        Assert.Contains("RATE_LIMITED", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/health"));

        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/public"));
    }

    [Fact]
    public async Task User_PastItsLimit_Gets429AndOthersDoNot()
    {
        using TokenForge forge = new(_time);
        await using var host = await StartAsync(("RateLimit:UserBurst", "2"), ("RateLimit:UserPerSecond", "1"));
        var alice = forge.ValidHmac();
        var bob = forge.ValidHmac(c => c["sub"] = "bob");

        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/identity", alice));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/identity", forge.ValidHmac(c => c["exp"] = (long)c["exp"]! - 1)));
        Assert.Equal(HttpStatusCode.TooManyRequests, await StatusOfAsync(host, "/identity", alice));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/identity", bob));
    }

    [Fact]
    public async Task Limits_TurnedOff_LetAllThrough()
    {
        await using var host = await StartAsync(("RateLimit:Enabled", "false"), ("RateLimit:AddressBurst", "1"));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(host, "/public"));
        }
    }

    [Fact]
    public async Task Limits_OutOfBounds_DoNotStartAndNameAll()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => StartAsync(("RateLimit:AddressBurst", "0"), ("RateLimit:UserPerSecond", "-1"), ("RateLimit:MaxTracked", "1")));

        Assert.Equal(3, error.Failures.Count());
        Assert.Contains("RateLimit:AddressBurst is 0; it must be between 1 and 10000000.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    [InlineData("http://localhost:9999", HttpStatusCode.Forbidden)]
    [InlineData("https://app.example", HttpStatusCode.OK)]
    [InlineData("own", HttpStatusCode.OK)]
    [InlineData(null, HttpStatusCode.OK)]
    public async Task Post_FromAPage_NeedsAnAllowedOrigin(string? origin, HttpStatusCode expected)
    {
        await using var host = await StartAsync(("Http:CorsOrigins", "https://app.example"));
        using HttpRequestMessage request = new(HttpMethod.Post, "/public");
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin == "own" ? host.Address.GetLeftPart(UriPartial.Authority) : origin);
        }

        using var answer = await host.Client.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task WebSocket_FromAForeignPage_Gets403()
    {
        using TokenForge forge = new(_time);
        await using var host = await StartAsync(("Http:CorsOrigins", "localhost"));

        var answer = await host.SendUpgradeAsync($"/ws?token={forge.ValidHmac()}", "Origin: https://evil.example");

        Assert.Equal(403, answer.Status);
        Assert.Equal(0, host.Handled);
    }

    [Theory]
    [InlineData("", "203.0.113.7", "127.0.0.1")]
    [InlineData("127.0.0.0/8", "203.0.113.7", "203.0.113.7")]
    [InlineData("127.0.0.0/8", "198.51.100.1, 203.0.113.7", "203.0.113.7")]
    [InlineData("127.0.0.0/8,203.0.113.0/24", "198.51.100.1, 203.0.113.7", "198.51.100.1")]
    [InlineData("10.0.0.0/8", "203.0.113.7", "127.0.0.1")]
    public async Task ForwardedFor_IsBelievedFromTrustedProxiesAlone(string trusted, string forwarded, string expected)
    {
        await using var host = await StartAsync(("Http:TrustedProxies", trusted));
        using HttpRequestMessage request = new(HttpMethod.Get, "/public");
        request.Headers.Add("X-Forwarded-For", forwarded);

        using var answer = await host.Client.SendAsync(request);
        Assert.Contains($"\"address\":\"{expected}\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TrustedProxies_NoNetwork_DoNotStart()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(("Http:TrustedProxies", "proxy.example")));
        Assert.Contains("Http:TrustedProxies has \"proxy.example\"", error.Message, StringComparison.Ordinal);
    }

    private Task<AuthHost> StartAsync(params (string Key, string? Value)[] settings)
        => AuthHost.StartAsync(_time, AuthDefaults.Server, [("JWT_SECRET", TokenForge.Secret), .. settings]);

    private static async Task<HttpStatusCode> StatusOfAsync(AuthHost host, string path, string? token = null)
    {
        using var answer = await host.GetAsync(path, token);
        return answer.StatusCode;
    }
}
