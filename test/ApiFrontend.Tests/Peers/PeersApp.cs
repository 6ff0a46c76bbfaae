using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
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
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Tests.Rooms;
using VoiceCluster.ApiFrontend.Tests.Voice;
using VoiceCluster.Grains;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Storage;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>The frontend in Open mode over the real grains, a database in a file, and a media node that only answers.</summary>
public sealed class PeersApp : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private readonly string _data = Directory.CreateTempSubdirectory("voicecluster-peers-").FullName;
    private readonly (string Key, string Value)[] _settings;
    private WebApplication? _app;
    private IMediaNode? _reference;
    private Task _heartbeats = Task.CompletedTask;

    public PeersApp()
        : this([])
    {
    }

    internal PeersApp(params (string Key, string Value)[] settings) => _settings = settings;

    public HttpClient Http { get; private set; } = new();

    internal AnsweringMediaNode Node { get; } = new();

    internal LostSilos Losses { get; } = new();

    internal IGrainFactory Grains => _app!.Services.GetRequiredService<IGrainFactory>();

    public Task InitializeAsync() => StartAsync();

    /// <summary>Everything of this process goes, but for the file.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await StopAsync();
        _stop.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    internal async Task<(int Status, JsonElement Body, HttpResponseHeaders Headers)> AskAsync(string method, string path, string? body = null, string? token = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.ExpectContinue = body?.Length > 1 << 20;
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(text), answer.Headers);
    }

    /// <summary>An answer in its envelope, whose status must be the HTTP status; the data.</summary>
    internal async Task<JsonElement> DoAsync(int status, string method, string path, object? body = null, string? token = null)
    {
        var (code, answer, _) = await AskAsync(method, path, body as string ?? (body is null ? null : JsonSerializer.Serialize(body)), token);
        Assert.True(code == status, $"{method} {path} answered {code}: {answer}");
        Assert.Equal(["status", "message", "data"], answer.EnumerateObject().Select(p => p.Name));
        Assert.Equal(status, answer.GetProperty("status").GetInt32());
        Assert.False(string.IsNullOrWhiteSpace(answer.GetProperty("message").GetString()));
        if (status >= 400)
        {
            Assert.Equal(JsonValueKind.Null, answer.GetProperty("data").ValueKind);
        }

        return answer.GetProperty("data");
    }

    internal Task<JsonElement> PostAsync(string path, object body, int status = 200) => DoAsync(status, "POST", path, body);

    internal async Task<PeersSocket> ConnectAsync(string pathAndQuery)
    {
        ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri(Http.BaseAddress!.ToString().Replace("http:", "ws:", StringComparison.Ordinal).TrimEnd('/') + pathAndQuery), CancellationToken.None);
        return new PeersSocket(socket);
    }

    private async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Http:Ports"] = "0",
            ["Http:DrainDelay"] = "00:00:00",
            ["JWT_SECRET"] = "a secret that is long enough for HS256, for tests only",
            ["RateLimit:Enabled"] = "false",
            ["Data:Path"] = _data,
        });
        builder.Configuration.AddInMemoryCollection(_settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.UseOrleans(silo =>
        {
            var stores = typeof(GrainStores).GetFields().Select(f => (string)f.GetRawConstantValue()!);
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            silo.AddMemoryGrainStorage(GrainStores.Peers);
            silo.AddDurableStores([.. stores.Where(s => s is not GrainStores.Rooms and not GrainStores.Peers)]);
            silo.AddReminders();
            silo.AddIncomingGrainCallFilter(Losses.FilterAsync);
        });
        builder.AddApiFrontend(AuthDefaults.Standalone);
        _app = builder.Build();
        _app.MapHealth();
        _app.MapApiFrontend();
        await _app.StartAsync();
        Http = new HttpClient { BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
        _reference = Grains.CreateObjectReference<IMediaNode>(Node);
        await BeatAsync();
        _heartbeats = SendHeartbeatsAsync(_app);
    }

    private async Task StopAsync()
    {
        var app = _app!;
        _app = null;
        await _heartbeats;
        Http.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    private Task BeatAsync() => Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key)
        .HeartbeatAsync(new MediaNodeHeartbeat(Node.Id, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), _reference!);

    private async Task SendHeartbeatsAsync(WebApplication app)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(200));
        while (ReferenceEquals(_app, app))
        {
            await BeatAsync();
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}

/// <summary>A client's WebSocket.</summary>
internal sealed class PeersSocket(ClientWebSocket socket) : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly byte[] _buffer = new byte[512 * 1024];

    public Task SendAsync(object message) => SendAsync(JsonSerializer.Serialize(message));

    public Task SendAsync(string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    /// <summary>The next message; the default when the server closed.</summary>
    public async Task<JsonElement> NextAsync()
    {
        using CancellationTokenSource deadline = new(Deadline);
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(_buffer.AsMemory(length), deadline.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return default;
            }

            length += received.Count;
            if (received.EndOfMessage)
            {
                return JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, length));
            }
        }
    }

    /// <summary>The next message of a type; those before it that are of another are passed over.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        while (true)
        {
            var message = await NextAsync();
            Assert.True(message.ValueKind == JsonValueKind.Object, $"The connection was closed ({socket.CloseStatus}) before {type} came.");
            if (message.GetProperty("type").GetString() == type)
            {
                return message;
            }
        }
    }

    public WebSocketCloseStatus? CloseStatus => socket.CloseStatus;

    public ValueTask DisposeAsync()
    {
        socket.Abort();
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
