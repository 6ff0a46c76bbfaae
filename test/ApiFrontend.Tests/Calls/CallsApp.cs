using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Calls;
using VoiceCluster.Storage;

namespace VoiceCluster.ApiFrontend.Tests.Calls;

/// <summary>The whole frontend on a free port, with the real grains in the same process.</summary>
public sealed class CallsApp : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("voicecluster-calls-").FullName;
    private readonly Dictionary<string, string?> _settings = new()
    {
        ["Http:Ports"] = "0",
        ["Http:DrainDelay"] = "00:00:00",
        ["JWT_SECRET"] = "a secret that is long enough for HS256, for tests only",
        ["Auth:DevTokens"] = "true",
        ["RateLimit:Enabled"] = "false",
        ["Calls:RingTimeout"] = "00:00:20",
        ["TURN_URL"] = "turn:turn.example.com:3478?transport=udp",
        ["TURN_SECRET"] = "shared",
    };

    private readonly TimeProvider _time = TimeProvider.System;
    private WebApplication? _app;

    public CallsApp()
    {
    }

    internal CallsApp(params (string Key, string Value)[] settings)
        : this(TimeProvider.System, settings)
    {
    }

    internal CallsApp(TimeProvider time, params (string Key, string Value)[] settings)
    {
        _time = time;
        foreach (var (key, value) in settings)
        {
            _settings[key] = value;
        }
    }

    public HttpClient Http { get; } = new();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        _settings["Data:Path"] = _data;
        builder.Configuration.AddInMemoryCollection(_settings);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton(_time);
        builder.Services.AddOptions<CallOptions>().Bind(builder.Configuration.GetSection(CallOptions.Section));
        builder.UseOrleans(silo =>
        {
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            silo.AddMemoryGrainStorage(GrainStores.Peers);
            silo.AddDurableStores(
                GrainStores.Calls,
                GrainStores.Chats,
                GrainStores.Users,
                GrainStores.Channels,
                GrainStores.VoiceSessions,
                GrainStores.CallSessions,
                GrainStores.Recordings);
            silo.AddReminders();
        });
        builder.AddApiFrontend();
        _app = builder.Build();
        _app.MapApiFrontend();
        await _app.StartAsync();
        Http.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Stops the frontend as SIGTERM does.</summary>
    internal Task StopAsync() => _app!.StopAsync();

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>A user that nobody else in the tests is.</summary>
    internal async Task<CallsUser> UserAsync()
    {
        var name = $"u{Guid.NewGuid():N}";
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/token", new { username = name });
        Assert.True(answer.IsSuccessStatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new CallsUser(Http, body.GetProperty("token").GetString()!, body.GetProperty("user_id").GetGuid(), name);
    }
}

/// <summary>A user with a token.</summary>
internal sealed class CallsUser(HttpClient http, string token, Guid id, string name = "")
{
    public string Name => name;

    public Guid Id => id;

    public string Token => token;

    public async Task<(int Status, JsonElement Body)> SendAsync(string method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        // A server that refuses a large body closes before it is sent; a client that asks first hears why.
        request.Headers.ExpectContinue = body?.Length > 1 << 20;
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    public async Task<Guid> ChatAsync(params CallsUser[] others)
    {
        var (status, body) = await SendAsync("POST", "/api/v1/chats", JsonSerializer.Serialize(new { member_ids = others.Select(o => o.Id) }));
        Assert.Equal(201, status);
        return body.GetProperty("id").GetGuid();
    }

    public Task<(int Status, JsonElement Body)> CallAsync(Guid chat, Guid recipient, string type = "voice") =>
        SendAsync("POST", "/api/v1/calls", JsonSerializer.Serialize(new { chat_id = chat, recipient_id = recipient, call_type = type }));

    public async Task<CallsSocket> ConnectAsync(string query = "")
    {
        UriBuilder address = new(http.BaseAddress!) { Scheme = "ws", Path = "/api/v1/ws", Query = $"token={token}{query}" };
        ClientWebSocket socket = new();
        await socket.ConnectAsync(address.Uri, CancellationToken.None);

        // The answer to a ping comes after the connection is known to the cluster.
        CallsSocket connected = new(socket);
        await connected.SendAsync("""{"type":"ping"}""");
        await connected.NextAsync("pong");
        return connected;
    }
}

/// <summary>A client's WebSocket.</summary>
internal sealed class CallsSocket(ClientWebSocket socket) : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly byte[] _buffer = new byte[512 * 1024];

    public WebSocketCloseStatus? CloseStatus => socket.CloseStatus;

    public string? CloseReason => socket.CloseStatusDescription;

    public Task SendAsync(string text) =>
        socket.SendAsync(System.Text.Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    public Task SendAsync(string type, Guid callId, string rest = "") =>
        SendAsync($$$"""{"type":"{{{type}}}","data":{"call_id":"{{{callId}}}"{{{rest}}}}}""");

    /// <summary>The next message, whatever it is; the default when the server closed.</summary>
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

    /// <summary>The next message, which must have this type.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        var message = await NextAsync();
        Assert.Equal(type, message.GetProperty("type").GetString());
        return message.TryGetProperty("data", out var data) ? data : message;
    }

    /// <summary>The next message, which must be an error with this code.</summary>
    public async Task ErrorAsync(string code) => Assert.Equal(code, (await NextAsync("error")).GetProperty("code").GetString());

    public ValueTask DisposeAsync()
    {
        socket.Abort();
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
