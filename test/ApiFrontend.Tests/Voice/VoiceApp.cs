using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
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
using VoiceCluster.ApiFrontend.Tests.Rooms;
using VoiceCluster.Grains;

namespace VoiceCluster.ApiFrontend.Tests.Voice;

/// <summary>The whole frontend on a free port, with the real grains in the same process and a media node that only answers.</summary>
public sealed class VoiceApp : IAsyncLifetime
{
    private readonly CancellationTokenSource _stop = new();
    private readonly AnsweringMediaNode _node = new();
    private WebApplication? _app;
    private IMediaNode? _reference;
    private volatile MediaNodeId? _nodeId;
    private Task _heartbeats = Task.CompletedTask;

    public HttpClient Http { get; } = new();

    internal AnsweringMediaNode Node => _node;

    internal LostSilos Losses { get; } = new();

    internal IGrainFactory Grains => _app!.Services.GetRequiredService<IGrainFactory>();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Http:Ports"] = "0",
            ["Http:DrainDelay"] = "00:00:00",
            ["JWT_SECRET"] = "a secret that is long enough for HS256, for tests only",
            ["Auth:DevTokens"] = "true",
            ["RateLimit:Enabled"] = "false",
            ["TURN_URL"] = "turn:turn.example.com:3478",
            ["TURN_USERNAME"] = "discord",
            ["TURN_PASSWORD"] = "discord_turn_password",
        });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.UseOrleans(silo =>
        {
            foreach (var name in new[] { GrainStores.Rooms, GrainStores.Calls, GrainStores.Chats, GrainStores.Users, GrainStores.Channels, GrainStores.VoiceSessions, GrainStores.Peers, GrainStores.CallSessions, GrainStores.Recordings })
            {
                silo.AddMemoryGrainStorage(name);
            }

            silo.UseInMemoryReminderService();
            silo.AddIncomingGrainCallFilter(Losses.FilterAsync);
        });
        builder.AddApiFrontend();
        _app = builder.Build();
        _app.MapApiFrontend();
        await _app.StartAsync();
        Http.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        _reference = Grains.CreateObjectReference<IMediaNode>(_node);
        await BeatAsync();
        _heartbeats = SendHeartbeatsAsync();
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _heartbeats;
        Http.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>A user that nobody else in the tests is.</summary>
    internal async Task<VoiceUser> UserAsync()
    {
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/token", new { username = $"u{Guid.NewGuid():N}" });
        Assert.True(answer.IsSuccessStatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return new VoiceUser(Http, body.GetProperty("token").GetString()!, body.GetProperty("user_id").GetGuid());
    }

    /// <summary>The media node leaves the fleet, and another one, which answers in its place, has come before.</summary>
    internal async Task ReplaceNodeAsync()
    {
        var left = _nodeId ?? _node.Id;
        _nodeId = new MediaNodeId("another", Guid.NewGuid());
        await BeatAsync();
        await Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key).LeaveAsync(left);
    }

    private Task BeatAsync() => Grains.GetGrain<IMediaFleetGrain>(MediaFleet.Key)
        .HeartbeatAsync(new MediaNodeHeartbeat(_nodeId ?? _node.Id, "http://127.0.0.1:8089", 0, 0, 1_000, 0, false), _reference!);

    private async Task SendHeartbeatsAsync()
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(200));
        while (!_stop.IsCancellationRequested)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None);
            await BeatAsync();
        }
    }
}

/// <summary>A user with a token.</summary>
internal sealed class VoiceUser(HttpClient http, string token, Guid id)
{
    public Guid Id => id;

    public string Token => token;

    public async Task<(int Status, JsonElement Body)> SendAsync(string method, string path, string? body = null, string? contentType = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, contentType ?? "application/json");

        // A server that refuses a large body closes before it is sent; a client that asks first hears why.
        request.Headers.ExpectContinue = body?.Length > 1 << 20;
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    public Task<(int Status, JsonElement Body)> SendAsync(string method, string path, object body) =>
        SendAsync(method, path, JsonSerializer.Serialize(body));

    public async Task<Guid> ChannelAsync(int? maxUsers = null)
    {
        var (status, body) = await SendAsync("POST", "/api/channels", new { name = "general", max_users = maxUsers });
        Assert.Equal(201, status);
        return body.GetProperty("id").GetGuid();
    }

    public async Task<Guid> JoinAsync(Guid channelId)
    {
        var (status, body) = await SendAsync("POST", "/voice/join", new { channel_id = channelId, mute = false, deaf = false });
        Assert.True(status == 200, body.ToString());
        return body.GetProperty("session_id").GetGuid();
    }

    public Task<(int Status, JsonElement Body)> OfferAsync(Guid sessionId, string sdp) =>
        SendAsync("POST", "/voice/signal", new { session_id = sessionId, type = "offer", sdp });

    public async Task<VoiceListener> ListenAsync()
    {
        UriBuilder address = new(http.BaseAddress!) { Scheme = "ws", Path = "/voice/events", Query = $"token={token}" };
        ClientWebSocket socket = new();
        await socket.ConnectAsync(address.Uri, CancellationToken.None);
        return new VoiceListener(socket);
    }
}

/// <summary>A client's WebSocket to the events.</summary>
internal sealed class VoiceListener(ClientWebSocket socket) : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly byte[] _buffer = new byte[64 * 1024];

    public Task SendAsync(string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    /// <summary>The next message, which must have this type.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        using CancellationTokenSource deadline = new(Deadline);
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(_buffer.AsMemory(length), deadline.Token);
            length += received.Count;
            if (received.EndOfMessage)
            {
                break;
            }
        }

        var message = JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, length));
        Assert.Equal(type, message.GetProperty("type").GetString());
        return message.TryGetProperty("data", out var data) ? data : message;
    }

    public ValueTask DisposeAsync()
    {
        socket.Abort();
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A media node that opens whatever it is asked to and forwards nothing.</summary>
internal sealed class AnsweringMediaNode : IMediaNode
{
    private readonly ConcurrentDictionary<string, Abstractions.Rooms.MediaKind> _kinds = [];
    private int _ssrc = 1_000;

    public MediaNodeId Id { get; } = new("answers", Guid.NewGuid());

    public ConcurrentQueue<(string Room, MediaCommand Command)> Commands { get; } = [];

    /// <summary>While set, there is no mix.</summary>
    public bool HasNoMix { get; set; }

    public Task<Abstractions.Outcome<MediaReply>> ExecuteAsync(RoomCommandHeader header, MediaCommand command)
    {
        Commands.Enqueue((header.Room, command));
        return Task.FromResult<Abstractions.Outcome<MediaReply>>(command switch
        {
            OpenRoom => new RoomOpened("{}"),
            CreateWebRtcTransport t => new TransportOpened(Describe(t.TransportId)),
            CreateRelayTransport => new RelayTransportOpened(
                new Abstractions.Rooms.RelayEndPoint("192.0.2.7", 3002), new Abstractions.Rooms.RelayMedia("{}", "{}", "{\"encodings\":[]}")),
            ReportAudio => new AudioReported(new Abstractions.Rooms.AudioStatistics(100, 8_000, 90, 7_200, 2, 1, 3, 103, 0.5, 1.5, 4, 2)),
            RestartIce => new IceRestarted("""{"usernameFragment":"restartedFragment","password":"restartedPassword","iceLite":true}"""),
            CreateMixConsumer when HasNoMix => new Abstractions.Fault(Abstractions.FaultCode.Unsupported, "There is no Opus library."),
            CreateMixConsumer c => new ConsumerOpened(Complete(c.RtpParametersJson), Abstractions.Rooms.MediaKind.Audio, false),
            CreateProducer c => Note(c),
            CreateConsumer { NegotiatedRtpParametersJson: { } agreed } c => new ConsumerOpened(Complete(agreed), _kinds[c.ProducerId], false),
            CreateConsumer => new ConsumerOpened("{}", Abstractions.Rooms.MediaKind.Audio, false),
            CreateSlotConsumers c => new SlotConsumersOpened([.. c.RtpParametersJson.Select(Complete)]),
            _ => new MediaDone(),
        });
    }

    public Task FleetMovesAsync() => Task.CompletedTask;

    public Task<Abstractions.Outcome<RoomAdopted>> AdoptAsync(RoomCommandHeader header, string[] participantIds) =>
        Task.FromResult<Abstractions.Outcome<RoomAdopted>>(new RoomAdopted("{}", [], [], []));

    public Task<Abstractions.Outcome<RoomReconciled>> ReconcileAsync(RoomCommandHeader header, DesiredRoom desired) =>
        Task.FromResult<Abstractions.Outcome<RoomReconciled>>(new RoomReconciled("{}", [], [], []));

    private MediaDone Note(CreateProducer producer)
    {
        _kinds[producer.ProducerId] = producer.Kind;
        return new MediaDone();
    }

    private static string Describe(string id) => $$$"""
        {"id":"{{{id}}}","iceParameters":{"usernameFragment":"firstFragment0001","password":"firstPassword","iceLite":true},
         "iceCandidates":[{"foundation":"udp0","priority":2130706431,"ip":"192.0.2.7","address":"192.0.2.7","protocol":"udp","port":10001,"type":"host"}],
         "dtlsParameters":{"role":"auto","fingerprints":[{"algorithm":"sha-256","value":"AB:CD"}]}}
        """;

    private string Complete(string json) =>
        json.Replace("\"encodings\":[]", $"\"encodings\":[{{\"ssrc\":{Interlocked.Increment(ref _ssrc)} }}]", StringComparison.Ordinal);
}
