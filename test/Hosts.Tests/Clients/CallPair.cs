using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>Two users in a call, each with a WebSocket that connects again when it ends.</summary>
internal sealed class CallPair : IAsyncDisposable
{
    private readonly Party _caller;
    private readonly Party _callee;
    private int _number;

    private CallPair(Party caller, Party callee) => (_caller, _callee) = (caller, callee);

    public string Chat { get; private set; } = "";

    public string Call { get; private set; } = "";

    /// <summary>Times that a WebSocket connected again.</summary>
    public int Reconnects => _caller.Connections + _callee.Connections - 2;

    /// <summary>Two users with a chat.</summary>
    public static async Task<CallPair> MeetAsync(Func<Uri> frontend, string name)
    {
        var pair = new CallPair(await Party.SignInAsync(frontend, $"{name}-caller"), await Party.SignInAsync(frontend, $"{name}-callee"));
        var chat = await pair._caller.SendAsync(HttpMethod.Post, "/api/v1/chats", JsonSerializer.Serialize(new { member_ids = new[] { pair._callee.Id } }), 201);
        pair.Chat = chat.GetProperty("id").GetString()!;
        return pair;
    }

    /// <summary>Calls, and the other accepts.</summary>
    public async Task StartAsync()
    {
        var call = await _caller.SendAsync(
            HttpMethod.Post, "/api/v1/calls", JsonSerializer.Serialize(new { chat_id = Chat, recipient_id = _callee.Id, call_type = "voice" }), 201);
        Call = call.GetProperty("id").GetString()!;
        await Eventually.HoldsAsync(() => _callee.Received.Any(m => m.Contains("call:initiate", StringComparison.Ordinal) && m.Contains(Call, StringComparison.Ordinal)), "the ringing");
        await _callee.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{Call}", """{"accept":true}""", 200);
    }

    /// <summary>The call as a party sees it.</summary>
    public async Task<string> StateAsync() => (await _callee.SendAsync(HttpMethod.Get, $"/api/v1/calls/{Call}", null, 200)).GetProperty("status").GetString()!;

    /// <summary>Passes a signal from one to the other. One that is said while the other connects again is said again, as a client does after an ICE restart.</summary>
    public async Task SignalAsync()
    {
        var candidate = $$"""{"n":{{++_number}}}""";
        await Eventually.HoldsAsync(
            async () =>
            {
                await _caller.SayAsync($$$"""{"type":"call:webrtc:candidate","data":{"call_id":"{{{Call}}}","candidate":{{{candidate}}}}}""");
                await Task.Delay(50);
                return _callee.Received.Any(m => m.Contains("call:webrtc:candidate", StringComparison.Ordinal) && m.Contains(candidate, StringComparison.Ordinal) && m.Contains(Call, StringComparison.Ordinal));
            },
            $"signal {_number} of call {Call}");
    }

    /// <summary>Whether both are members of the chat still.</summary>
    public async Task<bool> HasChatAsync() =>
        (await _callee.SendAsync(HttpMethod.Get, $"/api/v1/chats/{Chat}", null, 200)).GetProperty("member_ids").GetArrayLength() == 2;

    /// <summary>Ends the call, and waits until the other hears so.</summary>
    public async Task HangUpAsync()
    {
        await _caller.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{Call}", null, 200);
        Assert.Equal("ended", await StateAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _caller.DisposeAsync();
        await _callee.DisposeAsync();
    }

    private sealed class Party : IAsyncDisposable
    {
        private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };
        private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

        private readonly CancellationTokenSource _stop = new();
        private readonly Func<Uri> _frontend;
        private readonly string _token;
        private ClientWebSocket? _socket;
        private Task _running = Task.CompletedTask;

        private Party(Func<Uri> frontend, string id, string token) => (_frontend, Id, _token) = (frontend, id, token);

        public string Id { get; }

        public int Connections { get; private set; }

        public ConcurrentQueue<string> Received { get; } = new();

        public static async Task<Party> SignInAsync(Func<Uri> frontend, string name)
        {
            using var content = new StringContent(JsonSerializer.Serialize(new { username = name }), Encoding.UTF8, "application/json");
            using var answer = await Http.PostAsync(new Uri(frontend(), "/api/v1/auth/token"), content);
            using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            var party = new Party(frontend, body.RootElement.GetProperty("user_id").GetString()!, body.RootElement.GetProperty("token").GetString()!);
            party._running = party.RunAsync();
            await Eventually.HoldsAsync(() => party.Received.Any(m => m.Contains("pong", StringComparison.Ordinal)), "the connection of a caller");
            return party;
        }

        /// <summary>Asks until it is done: what the cluster cannot do now (503), or a frontend that is gone, is asked again.</summary>
        public async Task<JsonElement> SendAsync(HttpMethod method, string path, string? json, int expected)
        {
            var answer = default(JsonElement);
            var status = 0;
            await Eventually.HoldsAsync(
                async () =>
                {
                    using HttpRequestMessage request = new(method, new Uri(_frontend(), path));
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
                    request.Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
                    try
                    {
                        using var response = await Http.SendAsync(request);
                        status = (int)response.StatusCode;
                        answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
                        return status != 503;
                    }
                    catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                    {
                        return false;
                    }
                },
                $"an answer to {method} {path}");
            Assert.True(status == expected, $"{method} {path}: {status} {answer}");
            return answer;
        }

        public async Task SayAsync(string message)
        {
            try
            {
                if (_socket is { State: WebSocketState.Open } socket)
                {
                    await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, _stop.Token);
                }
            }
            catch (Exception e) when (e is WebSocketException or ObjectDisposedException or InvalidOperationException)
            {
                // The connection has just ended, and comes again.
                return;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            while (!_stop.IsCancellationRequested)
            {
                using ClientWebSocket socket = new();
                try
                {
                    await socket.ConnectAsync(new UriBuilder(_frontend()) { Scheme = "ws", Path = "/api/v1/ws", Query = $"token={_token}" }.Uri, _stop.Token);
                    _socket = socket;
                    Connections++;
                    await socket.SendAsync("""{"type":"ping"}"""u8.ToArray(), WebSocketMessageType.Text, true, _stop.Token);
                    await ReadAsync(socket);
                }
                catch (Exception e) when (e is WebSocketException or OperationCanceledException)
                {
                    Received.Enqueue($"the connection ended: {e.Message}");
                }

                await Task.WhenAny(Task.Delay(RetryAfter, _stop.Token));
            }
        }

        private async Task ReadAsync(ClientWebSocket socket)
        {
            var buffer = new byte[64 * 1024];
            var length = 0;
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(length), _stop.Token);
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    Received.Enqueue($"closed: {(int?)socket.CloseStatus}");
                    return;
                }

                length += part.Count;
                if (part.EndOfMessage)
                {
                    Received.Enqueue(Encoding.UTF8.GetString(buffer, 0, length));
                    length = 0;
                }
            }
        }
    }
}
