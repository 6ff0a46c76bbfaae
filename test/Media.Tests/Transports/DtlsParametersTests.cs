using VoiceCluster.Media.Transports;

namespace VoiceCluster.Media.Tests.Transports;

public sealed class DtlsParametersTests
{
    private static readonly string Sha256 = string.Join(':', Enumerable.Repeat("AB", 32));
    private static readonly string Sha512 = string.Join(':', Enumerable.Repeat("CD", 64));

    [Fact]
    public void TryParse_SeveralFingerprints_TakesTheStrongest()
    {
        var json = $$"""{"role":"client","fingerprints":[{"algorithm":"sha-512","value":"{{Sha512}}"},{"algorithm":"sha-256","value":"{{Sha256}}"},{"algorithm":"sha-1","value":"00"}]}""";

        Assert.True(DtlsParameters.TryParse(json, out var parameters, out _));
        Assert.Equal("client", parameters.Role);
        Assert.Equal("sha-512", parameters.Fingerprint.Algorithm);
    }

    [Fact]
    public void TryParse_NoRole_IsAuto()
    {
        Assert.True(DtlsParameters.TryParse($$"""{"fingerprints":[{"algorithm":"sha-256","value":"{{Sha256}}"}]}""", out var parameters, out _));
        Assert.Equal("auto", parameters.Role);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"role\":1}")]
    [InlineData("{\"role\":\"boss\",\"fingerprints\":[]}")]
    [InlineData("{\"role\":\"auto\"}")]
    [InlineData("{\"role\":\"auto\",\"fingerprints\":[]}")]
    [InlineData("{\"role\":\"auto\",\"fingerprints\":[1,null,[]]}")]
    [InlineData("{\"role\":\"auto\",\"fingerprints\":[{\"algorithm\":\"sha-1\",\"value\":\"AB\"}]}")]
    [InlineData("{\"role\":\"auto\",\"fingerprints\":[{\"algorithm\":\"sha-256\",\"value\":\"AB:CD\"}]}")]
    [InlineData("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}")]
    public void TryParse_Malformed_IsRefusedWithAReason(string? json)
    {
        Assert.False(DtlsParameters.TryParse(json, out _, out var error));
        Assert.NotEmpty(error);
    }
}
