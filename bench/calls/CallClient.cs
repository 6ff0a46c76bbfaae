using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;

namespace VoiceCluster.Bench.Calls;

/// <summary>A signed-in user with an open WebSocket, on which it hears of calls.</summary>
internal sealed class CallClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http;
    private readonly ClientWebSocket _socket = new();
    private readonly Channel<(string Type, string CallId)> _heard = Channel.CreateUnbounded<(string, string)>();
    private readonly string _token;

    private CallClient(HttpClient http, string id, string token) => (_http, Id, _token) = (http, id, token);

    public string Id { get; }

    public static async Task<CallClient> ConnectAsync(HttpClient http, string username)
    {
        using var answer = await http.PostAsJsonAsync("/api/v1/auth/token", new { username });
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        CallClient client = new(http, body.GetProperty("user_id").GetString()!, body.GetProperty("token").GetString()!);
        await client._socket.ConnectAsync(
            new UriBuilder(http.BaseAddress!) { Scheme = "ws", Path = "/api/v1/ws", Query = $"token={client._token}" }.Uri, CancellationToken.None);
        _ = client.ListenAsync();

        // The answer to a ping comes once the cluster knows the connection.
        await client._socket.SendAsync("""{"type":"ping"}"""u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        await client.HearAsync("pong", "");
        return client;
    }

    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using HttpRequestMessage request = new(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var answer = await _http.SendAsync(request);
        return answer.IsSuccessStatusCode
            ? await answer.Content.ReadFromJsonAsync<JsonElement>()
            : throw new HttpRequestException($"{method} {path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    /// <summary>Waits until it hears this about this call.</summary>
    public async Task HearAsync(string type, string callId)
    {
        using CancellationTokenSource deadline = new(Patience);
        while (await _heard.Reader.ReadAsync(deadline.Token) is var heard && (heard.Type != type || heard.CallId != callId))
        {
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult part;
                do
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += part.Count;
                }
                while (!part.EndOfMessage);
                using var json = JsonDocument.Parse(buffer.AsMemory(0, length));
                var id = json.RootElement.TryGetProperty("data", out var data) ? data.GetProperty("call_id").GetString()! : "";
                _heard.Writer.TryWrite((json.RootElement.GetProperty("type").GetString()!, id));
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException or JsonException)
        {
            _heard.Writer.TryComplete(e);
        }
    }
}
