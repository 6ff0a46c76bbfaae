using System.Net;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Key rotation against a real HTTP server, on a clock that the test moves.</summary>
public sealed class IssuerKeysTests : IAsyncLifetime
{
    private static readonly TimeSpan PastRetry = TimeSpan.FromSeconds(31);

    private readonly StoppedTime _time = new();
    private TokenForge _forge = null!;
    private JwksServer _issuer = null!;
    private AuthHost _host = null!;

    public async Task InitializeAsync()
    {
        _forge = new TokenForge(_time);
        _issuer = await JwksServer.StartAsync(TokenForge.Jwk(_forge.Rsa, "old"));
        _host = await AuthHost.StartAsync(_time, AuthDefaults.Server, ("Auth:JwksUrl", _issuer.Url));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _issuer.DisposeAsync();
        _forge.Dispose();
    }

    [Fact]
    public async Task Keys_AreReadOnce_ForManyTokens()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => StatusOfAsync(Rsa("old"))));

        Assert.All(answers, status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(1, _issuer.Requests);
    }

    [Fact]
    public async Task NewKey_IsFoundByItsUnknownId_AndTheOldOneEnds()
    {
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
        _issuer.Publish(TokenForge.Jwk(_forge.Ec, "new"));
        _time.Advance(PastRetry);

        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Ec("new")));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(Rsa("old")));
    }

    [Fact]
    public async Task UnknownIds_WithinTheRetryTime_CauseNoSecondRead()
    {
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(Rsa($"made-up-{i}")));
        }

        Assert.Equal(1, _issuer.Requests);
        _time.Advance(PastRetry);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(Rsa("made-up")));
        Assert.Equal(2, _issuer.Requests);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("<html>maintenance</html>")]
    [InlineData("{}")]
    [InlineData("""{"keys":{}}""")]
    public async Task OldKeys_ServeOn_WhileTheAddressIsAwayOrTalksNonsense(string? body)
    {
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
        _issuer.Healthy = body is not null;
        _issuer.PublishText(body ?? string.Empty);

        for (var day = 0; day < 3; day++)
        {
            _time.Advance(TimeSpan.FromDays(1));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(Rsa("unknown")));
            Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
        }

        Assert.True(_issuer.Requests > 1);
    }

    [Fact]
    public async Task NoKeysYet_AddressAway_Gets503AndRecovers()
    {
        _issuer.Healthy = false;
        using var answer = await _host.GetAsync("/identity", Rsa("old"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);

        _issuer.Healthy = true;
        _time.Advance(PastRetry);
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
    }

    [Fact]
    public async Task StaleKeys_AreReadAgainInTheBackground()
    {
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
        TaskCompletionSource gate = new();
        _issuer.Gate = gate.Task;
        _time.Advance(TimeSpan.FromMinutes(11));

        // The read hangs, and the token is answered all the same.
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("old")));
        gate.SetResult();
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(10));
        while (_issuer.Requests < 2)
        {
            deadline.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task TokenWithoutId_GetsTheKeyOnlyWhenThereIsNoChoice()
    {
        var token = TokenForge.RsaSigned(TokenForge.Header("RS256"), _forge.Claims(), _forge.Rsa);
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(token));

        _issuer.Publish(TokenForge.Jwk(_forge.Rsa, "old"), TokenForge.Jwk(_forge.AttackerRsa, "other"));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(HttpStatusCode.OK, await StatusOfAsync(Rsa("other", _forge.AttackerRsa)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(token));
    }

    [Fact]
    public async Task Secret_IsNotSet_HmacTokensAreRefused()
        => Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfAsync(_forge.ValidHmac()));

    private string Rsa(string keyId, System.Security.Cryptography.RSA? key = null)
        => TokenForge.RsaSigned(TokenForge.Header("RS256", keyId), _forge.Claims(), key ?? _forge.Rsa);

    private string Ec(string keyId) => TokenForge.EcSigned(TokenForge.Header("ES256", keyId), _forge.Claims(), _forge.Ec);

    private async Task<HttpStatusCode> StatusOfAsync(string token)
    {
        using var answer = await _host.GetAsync("/identity", token);
        return answer.StatusCode;
    }
}
