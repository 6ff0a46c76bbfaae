using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;

namespace VoiceCluster.ApiFrontend.Tests.Http;

public sealed class HttpTests
{
    [Fact]
    public async Task Stop_WithABodyThatNeverComes_CutsTheClientOff()
    {
        FrontendApp app = await FrontendApp.StartAsync("Http:StopTimeout=00:00:00.200");
        using var client = new TcpClient();
        await client.ConnectAsync(app.Address.Host, app.Address.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"u8.ToArray());
        Assert.NotEqual(0, await stream.ReadAsync(new byte[1]));

        // The host itself would wait 30 s.
        await app.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(15));
    }

    [Fact]
    public async Task Page_AtTheRoot_ComesWithAStrictPolicy()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using HttpResponseMessage response = await app.Http.GetAsync("/");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("script-src 'self'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
        Assert.True(response.Headers.CacheControl!.NoCache);
        Assert.False(response.Headers.Contains("Server"));
    }

    [Theory]
    [InlineData("/no/such/path")]
    [InlineData("/../../etc/passwd")]
    [InlineData("/%2e%2e/%2e%2e/appsettings.json")]
    public async Task Path_Unknown_Gets404(string path)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using HttpResponseMessage response = await app.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("localhost", "http://localhost:5173", true)]
    [InlineData("localhost", "http://127.0.0.1:1", true)]
    [InlineData("localhost", "https://evil.example", false)]
    [InlineData("https://app.example", "https://app.example", true)]
    [InlineData("https://app.example", "https://app.example.evil", false)]
    [InlineData("", "http://localhost:5173", false)]
    public async Task Cors_Origin_IsAllowedByConfiguration(string configured, string origin, bool allowed)
    {
        await using FrontendApp app = await FrontendApp.StartAsync($"Http:CorsOrigins={configured}");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/socket.io/?EIO=4&transport=polling");
        request.Headers.Add("Origin", origin);
        using HttpResponseMessage response = await app.Http.SendAsync(request);
        Assert.Equal(allowed, response.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? shown) && shown.Single() == origin);
    }

    [Theory]
    [InlineData(AuthDefaults.Server, null, "")]
    [InlineData(AuthDefaults.Standalone, null, "localhost")]
    [InlineData(AuthDefaults.Standalone, "", "")]
    [InlineData(AuthDefaults.Standalone, "https://app.example", "https://app.example")]
    public void CorsOrigins_ByDefault_AreLocalhostInStandaloneAlone(AuthDefaults defaults, string? configured, string expected)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection([new("JWT_SECRET", Auth.TokenForge.Secret)]);
        if (configured is not null)
        {
            builder.Configuration["Http:CorsOrigins"] = configured;
        }

        builder.WebHost.UseKestrelCore();
        builder.AddApiFrontend(defaults);
        using WebApplication app = builder.Build();

        Assert.Equal(expected, app.Services.GetRequiredService<IOptions<HttpOptions>>().Value.CorsOrigins);
    }

    [Theory]
    [InlineData("GET", "/socket.io/?EIO=4&transport=polling", "10.0.0.0/8", 403, "FORBIDDEN")]
    [InlineData("POST", "/api/v1/auth/token", "", 413, "REQUEST_TOO_LARGE")]
    public async Task Refusal_BeforeAnyDoor_HasTheShapeOfTheOthers(string method, string path, string networks, int status, string code)
    {
        await using FrontendApp app = await FrontendApp.StartAsync(
            $"Http:AllowedNetworks={networks}", "Auth:DevTokens=true", $"JWT_SECRET={Auth.TokenForge.Secret}", "Http:MaxBodyBytes=2000");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = method == "POST" ? new StringContent(new string('x', 3_000)) : null;
        using HttpResponseMessage response = await app.Http.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
        using JsonDocument body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal(code, body.RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("10.0.0.0/8", HttpStatusCode.Forbidden)]
    [InlineData("10.0.0.0/8, 127.0.0.0/8", HttpStatusCode.OK)]
    [InlineData("", HttpStatusCode.OK)]
    public async Task AllowedNetworks_Caller_IsServedOnlyFromThem(string networks, HttpStatusCode status)
    {
        await using FrontendApp app = await FrontendApp.StartAsync($"Http:AllowedNetworks={networks}");
        using HttpResponseMessage response = await app.Http.GetAsync("/socket.io/?EIO=4&transport=polling");
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task Options_ThatAreWrong_AreAllNamedAtOnce()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(
            () => FrontendApp.StartAsync("Http:Bind=nowhere", "Http:Ports=1,1", "Http:AllowedNetworks=10.0.0.0/99", "Http:CorsOrigins=example.org/x"));
        Assert.Equal(4, e.Failures.Count());
    }

    [Fact]
    public async Task OpenMode_OnAPublicBind_IsRefused()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => FrontendApp.StartAsync("Http:Bind=0.0.0.0"));
        Assert.Contains("Auth:AllowOpenOnPublicBind", e.Message);
        await using FrontendApp meant = await FrontendApp.StartAsync("Http:Bind=0.0.0.0", "Auth:AllowOpenOnPublicBind=true");
    }

    [Fact]
    public async Task Port_FromTheEnvironment_ReplacesTheList()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("Http:Ports=1,2,3", "PORT=0");
        Assert.Single(app.Addresses);
    }
}
