using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>A Socket.IO client by hand, frame by frame, over a WebSocket.</summary>
internal sealed class RawSocket : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ClientWebSocket _socket = new();
    private readonly Queue<JsonElement> _events = new();
    private string _namespace = "/";
    private int _nextId;

    /// <summary>The CONNECT reply's data.</summary>
    public JsonElement Connected { get; private set; }

    public WebSocketState State => _socket.State;

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    public static async Task<RawSocket> OpenAsync(Uri server, string query = "EIO=4&transport=websocket")
    {
        var raw = new RawSocket();
        var uri = new UriBuilder(server) { Scheme = "ws", Path = "/socket.io/", Query = query };
        using var limit = new CancellationTokenSource(Limit);
        await raw._socket.ConnectAsync(uri.Uri, limit.Token);
        return raw;
    }

    /// <summary>Opens and joins a namespace.</summary>
    public static async Task<RawSocket> ConnectAsync(Uri server, string ns, string auth = "")
    {
        RawSocket raw = await OpenAsync(server);
        Assert.StartsWith("0{", await raw.ReceiveAsync());
        raw._namespace = ns;
        await raw.SendAsync($"40{ns},{auth}");
        string reply = (await raw.ReceiveAsync())!;
        Assert.StartsWith($"40{ns},{{", reply);
        raw.Connected = JsonElement.Parse(reply[$"40{ns},".Length..]);
        return raw;
    }

    public async Task SendAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, limit.Token);
    }

    public async Task SendAsync(byte[] data, WebSocketMessageType type)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.SendAsync(data, type, true, limit.Token);
    }

    /// <summary>The next text frame, or null when the server closes.</summary>
    public async Task<string?> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var text = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (true)
        {
            WebSocketReceiveResult result;
            try
            {
                result = await _socket.ReceiveAsync(buffer, limit.Token);
            }
            catch (WebSocketException)
            {
                return null;
            }

            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            text.Write(buffer, 0, result.Count);
            if (result.EndOfMessage)
            {
                return Encoding.UTF8.GetString(text.ToArray());
            }
        }
    }

    /// <summary>Emits and waits for the ack's first argument; events that come before it are kept.</summary>
    public async Task<JsonElement> AskAsync(string name, string argument)
    {
        int id = _nextId++;
        await SendAsync($"42{_namespace},{id}[\"{name}\",{argument}]");
        string prefix = $"43{_namespace},{id}[";
        while (true)
        {
            string frame = await ReceiveFrameAsync();
            if (frame.StartsWith(prefix, StringComparison.Ordinal))
            {
                return JsonElement.Parse(frame[(prefix.Length - 1)..])[0];
            }

            Keep(frame);
        }
    }

    /// <summary>The next event: its name and its arguments.</summary>
    public async Task<JsonElement> NextEventAsync()
    {
        while (_events.Count == 0)
        {
            Keep(await ReceiveFrameAsync());
        }

        return _events.Dequeue();
    }

    /// <summary>The next event, which must have that name; its argument.</summary>
    public async Task<JsonElement> ExpectAsync(string name)
    {
        JsonElement next = await NextEventAsync();
        Assert.Equal(name, next[0].GetString());
        return next[1];
    }

    /// <summary>No event has come: everything that was sent before is here, since the server keeps the order.</summary>
    public async Task ExpectNothingAsync()
    {
        await AskAsync("no-such-event", "{}");
        Assert.Empty(_events.Select(e => e.GetRawText()));
    }

    public async Task CloseAsync(WebSocketCloseStatus status)
    {
        using var limit = new CancellationTokenSource(Limit);
        await _socket.CloseAsync(status, null, limit.Token);
    }

    /// <summary>Breaks the connection without a word.</summary>
    public void Drop() => _socket.Abort();

    public void Dispose() => _socket.Dispose();

    private async Task<string> ReceiveFrameAsync()
    {
        string? frame = await ReceiveAsync();
        Assert.NotNull(frame);
        return frame;
    }

    private void Keep(string frame)
    {
        string prefix = $"42{_namespace},";
        if (frame == "2")
        {
            return;
        }

        Assert.StartsWith(prefix, frame);
        _events.Enqueue(JsonElement.Parse(frame[prefix.Length..]));
    }
}
