using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>
/// As much of a Socket.IO 5 client as a generator needs: one WebSocket, one namespace, acks, and the answer to pings.
/// Requests may be under way at the same time; a semaphore orders what is sent.
/// </summary>
internal sealed class SocketIoClient : IAsyncDisposable
{
    private static readonly TimeSpan AckDeadline = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly string _namespace;
    private readonly string _auth;
    private readonly string? _onlyEvent;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _acks = new();
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<JsonElement> _events = Channel.CreateUnbounded<JsonElement>();
    private Task _reading = Task.CompletedTask;
    private int _lastId;

    private SocketIoClient(string ns, string? token, string? onlyEvent)
    {
        _namespace = ns;
        _auth = token is null ? "" : JsonSerializer.Serialize(new Dictionary<string, string> { ["token"] = token });
        _onlyEvent = onlyEvent is null ? null : $"[\"{onlyEvent}\"";
    }

    /// <summary>What the server emits: an array of the name and its arguments.</summary>
    public ChannelReader<JsonElement> Events => _events.Reader;

    /// <summary>
    /// Opens the WebSocket and connects to the namespace, with a token if there is one. With <paramref name="onlyEvent"/>
    /// all other events are passed over unread.
    /// </summary>
    public static async Task<SocketIoClient> ConnectAsync(Uri server, string ns, string? token = null, string? onlyEvent = null)
    {
        var client = new SocketIoClient(ns, token, onlyEvent);
        var address = new UriBuilder(server) { Scheme = server.Scheme is "https" or "wss" ? "wss" : "ws", Path = "/socket.io/", Query = "EIO=4&transport=websocket" };
        using var deadline = new CancellationTokenSource(AckDeadline);
        await client._socket.ConnectAsync(address.Uri, deadline.Token);
        client._reading = client.ReadAsync();
        await client._connected.Task.WaitAsync(deadline.Token);
        return client;
    }

    /// <summary>Emits an event and gives its ack; throws when the server acks an error.</summary>
    public async Task<JsonElement> AskAsync(string name, string argument)
    {
        var id = Interlocked.Increment(ref _lastId);
        var ack = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _acks[id] = ack;
        await SendAsync($"42{_namespace},{id}[\"{name}\",{argument}]");
        var answer = await ack.Task.WaitAsync(AckDeadline);
        if (!answer.TryGetProperty("error", out var error))
        {
            return answer;
        }

        return error.TryGetProperty("code", out var code) && code.GetString() == "RATE_LIMITED" && error.TryGetProperty("retryAfter", out var seconds)
            ? throw new RateLimitedException(TimeSpan.FromSeconds(Math.Max(0.1, seconds.GetDouble())))
            : throw new InvalidOperationException($"{name} was refused: {error.GetRawText()}");
    }

    /// <summary>Leaves as a closed page does: the WebSocket's closing handshake.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_socket.State == WebSocketState.Open)
        {
            using var deadline = new CancellationTokenSource(AckDeadline);
            await _sending.WaitAsync(deadline.Token);
            await _socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, deadline.Token);
            await _reading.WaitAsync(deadline.Token);
        }

        _socket.Dispose();
        _sending.Dispose();
    }

    private async Task ReadAsync()
    {
        var end = new IOException("The connection has ended.");
        try
        {
            while (await ReadMessageAsync() is { } message)
            {
                await TakeAsync(message);
            }
        }
        catch (WebSocketException e)
        {
            end = new IOException("The connection broke.", e);
        }

        _connected.TrySetException(end);
        _events.Writer.TryComplete();
        foreach (var ack in _acks.Values)
        {
            ack.TrySetException(end);
        }
    }

    private async Task<string?> ReadMessageAsync()
    {
        var buffer = new byte[16 * 1024];
        using var message = new MemoryStream();
        while (true)
        {
            var result = await _socket.ReceiveAsync(buffer, CancellationToken.None);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Write(buffer, 0, result.Count);
            if (result.EndOfMessage)
            {
                return Encoding.UTF8.GetString(message.GetBuffer(), 0, (int)message.Length);
            }
        }
    }

    private async Task TakeAsync(string message)
    {
        if (message == "2")
        {
            await SendAsync("3");
        }
        else if (message.StartsWith('0'))
        {
            await SendAsync($"40{_namespace},{_auth}");
        }
        else if (message.StartsWith($"40{_namespace},", StringComparison.Ordinal))
        {
            _connected.TrySetResult();
        }
        else if (message.StartsWith($"42{_namespace},", StringComparison.Ordinal))
        {
            var start = _namespace.Length + 3;
            if (_onlyEvent is null || string.CompareOrdinal(message, start, _onlyEvent, 0, _onlyEvent.Length) == 0)
            {
                _events.Writer.TryWrite(JsonElement.Parse(message[start..]));
            }
        }
        else if (message.StartsWith($"43{_namespace},", StringComparison.Ordinal))
        {
            var start = message.IndexOf('[');
            var id = int.Parse(message.AsSpan(_namespace.Length + 3, start - _namespace.Length - 3), System.Globalization.CultureInfo.InvariantCulture);
            if (_acks.TryRemove(id, out var ack))
            {
                ack.TrySetResult(JsonElement.Parse(message[start..])[0]);
            }
        }
        else if (message.StartsWith("44", StringComparison.Ordinal))
        {
            _connected.TrySetException(new IOException($"The namespace refused: {message}"));
        }
    }

    private async Task SendAsync(string text)
    {
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }
    }
}

/// <summary>The server has no room for the request now.</summary>
internal sealed class RateLimitedException(TimeSpan retryAfter) : Exception($"The server limits requests; there is room again in {retryAfter.TotalSeconds:0.#} s.")
{
    /// <summary>When there is room again.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
