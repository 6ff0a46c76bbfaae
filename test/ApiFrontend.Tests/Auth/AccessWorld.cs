using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.Tests.Calls;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Tests.Media;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.Storage;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>
/// The whole frontend in Required mode over the real grains and a media node in memory. Alice and Bob have things that Eve,
/// whose token is as good as theirs, must not touch.
/// </summary>
public sealed class AccessWorld : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private readonly string _data = Directory.CreateTempSubdirectory("voicecluster-access-").FullName;
    private WebApplication? _app;
    private Task _heartbeats = Task.CompletedTask;

    public HttpClient Http { get; } = new();

    public IServiceProvider Services => _app!.Services;

    internal InMemoryMediaNode Node { get; } = new();

    internal IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    internal SocketIoServer Sockets => Services.GetRequiredService<SocketIoServer>();

    internal CallsUser Alice { get; private set; } = null!;

    internal CallsUser Bob { get; private set; } = null!;

    internal CallsUser Eve { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(
        [
            new("Http:Ports", "0"), new("Http:DrainDelay", "00:00:00"), new("Auth:Mode", "Required"), new("JWT_SECRET", TokenForge.Secret), new("Auth:DevTokens", "true"),
            new("RateLimit:Enabled", "false"), new("Data:Path", _data),
        ]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.Services.Configure<VoiceCluster.Grains.Calls.CallOptions>(o => o.RingTimeout = TimeSpan.FromMinutes(10));
        builder.UseOrleans(silo =>
        {
            // A store that is added later is here as well.
            var stores = typeof(GrainStores).GetFields().Select(f => (string)f.GetRawConstantValue()!);
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            silo.AddDurableStores([.. stores.Where(s => s != GrainStores.Rooms)]);
            silo.AddReminders();
        });
        builder.AddApiFrontend();
        builder.Services.AddPrometheus();
        _app = builder.Build();
        _app.MapHealth();
        _app.MapPrometheus();
        _app.MapApiFrontend();
        await _app.StartAsync();
        Http.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        _heartbeats = SendHeartbeatsAsync();
        (Alice, Bob, Eve) = (await UserAsync("alice"), await UserAsync("bob"), await UserAsync("eve"));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _heartbeats;
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    internal async Task<CallsUser> UserAsync(string name)
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/token", new { username = name });
        Assert.True(answer.IsSuccessStatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new CallsUser(Http, body.GetProperty("token").GetString()!, body.GetProperty("user_id").GetGuid(), name);
    }

    private async Task SendHeartbeatsAsync()
    {
        var reference = Grains.CreateObjectReference<IMediaNode>(Node);
        MediaNodeId id = new("access", Guid.NewGuid());
        var fleet = Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(200));
        do
        {
            await fleet.HeartbeatAsync(new MediaNodeHeartbeat(id, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), reference);
        }
        while (!_stop.IsCancellationRequested && await timer.WaitForNextTickAsync(CancellationToken.None));

        GC.KeepAlive(Node);
    }
}
