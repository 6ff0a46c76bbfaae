using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

public sealed class AuthOptionsTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("voice-auth-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Start_WithManyFaults_NamesAllAtOnce()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => AuthHost.StartAsync(
            ("JWT_SECRET", "short"),
            ("Auth:JwksUrl", "http://keys.example/jwks"),
            ("Auth:ClockSkew", "1.00:00:00"),
            ("Auth:Mode", "Open"),
            ("Http:Bind", "0.0.0.0")));

        Assert.Equal(4, error.Failures.Count());
        Assert.Contains("JWT_SECRET has 5 bytes; it must have at least 32.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Auth:JwksUrl is http://keys.example/jwks", error.Message, StringComparison.Ordinal);
        Assert.Contains("Auth:ClockSkew is 1.00:00:00; it must be between 00:00:00 and 00:05:00.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Auth:Mode is Open and Http:Bind is 0.0.0.0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frontend_WithFaultsInSeveralSections_NamesAllAtOnce()
    {
        var error = await Assert.ThrowsAsync<AggregateException>(() => FrontendApp.StartAsync(
            "Http:Ports=1,1", "Http:Bind=0.0.0.0", "RateLimit:UserBurst=0", "SocketIo:MaxPayload=1"));

        foreach (var option in new[] { "Http:Ports", "Auth:Mode", "RateLimit:UserBurst", "SocketIo:MaxPayload" })
        {
            Assert.Contains(error.InnerExceptions, e => e.Message.Contains(option, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Required_WithoutAnyKey_DoesNotStart()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => AuthHost.StartAsync());
        Assert.Contains("JWT_SECRET", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DevTokens_WithoutASecret_DoNotStart()
        => await Assert.ThrowsAsync<OptionsValidationException>(
            () => AuthHost.StartAsync(("Auth:DevTokens", "true"), ("Auth:JwksUrl", "https://keys.example/jwks")));

    [Fact]
    public async Task Mode_Misspelt_DoesNotStart()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() => AuthHost.StartAsync(("JWT_SECRET", TokenForge.Secret), ("Auth:Mode", "Opne")));
        Assert.Contains("Auth:Mode", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_ListeningPublicly_EndsTheStart()
    {
        var error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => AuthHost.StartAsync(("JWT_SECRET", TokenForge.Secret), ("Auth:Mode", "Open"), ("urls", "http://0.0.0.0:0")));
        Assert.Contains("the server listens on", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_ListeningPubliclyOnPurpose_Starts()
    {
        await using var host = await AuthHost.StartAsync(
            ("JWT_SECRET", TokenForge.Secret), ("Auth:Mode", "Open"), ("Auth:AllowOpenOnPublicBind", "true"), ("Http:Bind", "0.0.0.0"), ("urls", "http://0.0.0.0:0"));
        Assert.Equal(AuthMode.Open, OptionsOf(host).Mode);
    }

    [Theory]
    [InlineData(null, AuthMode.Open, true)]
    [InlineData("::1", AuthMode.Open, true)]
    [InlineData("0.0.0.0", AuthMode.Required, false)]
    [InlineData("10.1.2.3", AuthMode.Required, false)]
    [InlineData("127.0.0.1,10.1.2.3", AuthMode.Required, false)]
    public async Task Standalone_Defaults_FollowTheBind(string? bind, AuthMode mode, bool devTokens)
    {
        await using var host = await AuthHost.StartAsync(TimeProvider.System, AuthDefaults.Standalone, ("Data:Path", _data), ("Http:Bind", bind));

        Assert.Equal(mode, OptionsOf(host).Mode);
        Assert.Equal(devTokens, OptionsOf(host).DevTokens);
    }

    [Fact]
    public async Task Server_Defaults_AreRequiredWithoutDevTokens()
    {
        await using var host = await AuthHost.StartAsync(("JWT_SECRET", TokenForge.Secret));

        Assert.Equal(AuthMode.Required, OptionsOf(host).Mode);
        Assert.False(OptionsOf(host).DevTokens);
    }

    [Fact]
    public void SecretFile_MadeOnce_IsKeptForItsUserAlone()
    {
        var first = SecretFile.ReadOrCreate(_data);
        var path = Path.Combine(_data, SecretFile.Name);

        Assert.True(first.Length >= AuthOptions.LeastSecretBytes);
        Assert.Equal(first, SecretFile.ReadOrCreate(_data));
        Assert.Equal([path], Directory.GetFiles(_data));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            SecretFile.ReadOrCreate(_data);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public async Task SecretFile_MadeByManyAtOnce_IsOne()
    {
        var secrets = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => SecretFile.ReadOrCreate(_data))));

        Assert.Single(secrets.Distinct());
        Assert.Single(Directory.GetFiles(_data));
    }

    [Fact]
    public void SecretFile_CutShort_IsRefused()
    {
        File.WriteAllText(Path.Combine(_data, SecretFile.Name), "short");
        Assert.Throws<InvalidDataException>(() => SecretFile.ReadOrCreate(_data));
    }

    private static AuthOptions OptionsOf(AuthHost host) => host.Services.GetRequiredService<IOptions<AuthOptions>>().Value;
}
