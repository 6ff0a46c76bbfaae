using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace VoiceCluster.Browser.Tests;

/// <summary>A user's WebSocket of calls.</summary>
internal sealed class CallSignals : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonElement> _received = Channel.CreateUnbounded<JsonElement>();

    private CallSignals()
    {
    }

    public static async Task<CallSignals> ConnectAsync(StandaloneServer server, ApiUser user)
    {
        CallSignals signals = new();
        await signals._socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.HttpPort}/api/v1/ws?token={user.Token}"), CancellationToken.None);

        _ = signals.ReadAsync();

        // The answer to a ping comes after the connection is known to the cluster.
        await signals.SendAsync("""{"type":"ping"}""");
        Assert.Equal("pong", (await signals.NextAsync()).GetProperty("type").GetString());
        return signals;
    }

    public Task SendAsync(string message) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, CancellationToken.None);

    /// <summary>Sends an offer, answer or candidate.</summary>
    public Task SendAsync(string call, string kind, string json) =>
        SendAsync($$$"""{"type":"call:webrtc:{{{kind}}}","data":{"call_id":"{{{call}}}","{{{kind}}}":{{{json}}}}}""");

    /// <summary>The next message.</summary>
    public async Task<JsonElement> NextAsync()
    {
        using CancellationTokenSource deadline = new(Deadline);
        return await _received.Reader.ReadAsync(deadline.Token);
    }

    /// <summary>The data of the next message of a type; others before it are passed over.</summary>
    public async Task<JsonElement> NextAsync(string type)
    {
        JsonElement message;
        do
        {
            message = await NextAsync();
        }
        while (message.GetProperty("type").GetString() != type);
        return message.GetProperty("data");
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>All the time, not only when a test asks: pings are answered while somebody reads.</summary>
    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        var length = 0;
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                length += part.Count;
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                if (part.EndOfMessage)
                {
                    _received.Writer.TryWrite(JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, length)));
                    length = 0;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or ObjectDisposedException)
        {
            _received.Writer.TryComplete(e);
        }

        _received.Writer.TryComplete();
    }
}
