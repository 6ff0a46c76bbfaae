using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

namespace VoiceCluster.Hosting.Tests;

public sealed class HealthEndpointsTests : IAsyncLifetime
{
    private readonly Part _part = new();
    private readonly HttpClient _http = new();
    private WebApplication? _app;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Logging.ClearProviders();
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IReadiness>(_part);
        builder.Services.AddSingleton<IScrapeSource>(_part);
        builder.Services.AddPrometheus();
        _app = builder.Build();
        _app.UseRouting();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapHealth();
        _app.MapPrometheus();
        await _app.StartAsync();
        _http.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        await _app!.DisposeAsync();
    }

    [Fact]
    public async Task Metrics_WhenScraped_AreMadeFreshAtFirst()
    {
        Assert.Contains("dotnet_process_cpu_time", await _http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        await _http.GetStringAsync("/metrics");
        Assert.Equal(2, _part.Refreshed);
    }

    [Fact]
    public async Task Health_Always_IsTheEnvelope() =>
        Assert.Equal("""{"status":200,"message":"Server is healthy","data":null}""", await _http.GetStringAsync("/health"));

    [Fact]
    public async Task Ready_APartThatIsNot_Is503WithItsReason()
    {
        _part.State = ReadinessState.NotReady("It warms up.");
        using var before = await _http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, before.StatusCode);
        Assert.Equal("""{"status":503,"message":"Server is not ready","data":{"part":"It warms up."}}""", await before.Content.ReadAsStringAsync());

        _part.State = ReadinessState.ReadyWithout("the bridge is away");
        using var without = await _http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, without.StatusCode);
        Assert.Equal(
            """{"status":200,"message":"Server is ready","data":{"part":"ready; the bridge is away"}}""", await without.Content.ReadAsStringAsync());

        _part.State = ReadinessState.Ready;
        using var after = await _http.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
        Assert.Equal("""{"status":200,"message":"Server is ready","data":{"part":"ready"}}""", await after.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Metrics_AreTextOfFormat004()
    {
        using var response = await _http.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Contains("dotnet_", await response.Content.ReadAsStringAsync());
    }

    private sealed class Part : IReadiness, IScrapeSource
    {
        public int Refreshed { get; private set; }

        public ReadinessState State { get; set; } = ReadinessState.Ready;

        public string Name => "part";

        public ReadinessState Check() => State;

        public Task RefreshAsync(CancellationToken cancellationToken)
        {
            Refreshed++;
            return Task.CompletedTask;
        }
    }
}
