using System.Net.WebSockets;
using System.Text.Json;

namespace VoiceCluster.Samples.RelayClient;

/// <summary>Where and how to speak over UDP.</summary>
internal sealed record UdpWay(string? Address, int Port, byte[] Session, byte[] Key)
{
    public static UdpWay Read(JsonElement udp) => new(
        udp.TryGetProperty("address", out var address) ? address.GetString() : null,
        udp.GetProperty("port").GetInt32(),
        Convert.FromHexString(udp.GetProperty("session").GetString()!),
        Convert.FromHexString(udp.GetProperty("key").GetString()!));
}

/// <summary>The WebSocket: externally tagged JSON, such as <c>{"JoinChannel":{"channel_id":"…"}}</c>.</summary>
internal sealed class ChannelConnection : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[256 * 1024];

    public async Task ConnectAsync(Uri url, CancellationToken cancellationToken) => await _socket.ConnectAsync(url, cancellationToken);

    public Task SendAsync(string name, object body, CancellationToken cancellationToken) => _socket.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [name] = body }), WebSocketMessageType.Text, true, cancellationToken);

    /// <summary>The next message, or null at the end.</summary>
    public async Task<(string Name, JsonElement Body)?> ReceiveAsync(CancellationToken cancellationToken)
    {
        var length = 0;
        while (true)
        {
            var received = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            length += received.Count;
            if (received.EndOfMessage)
            {
                break;
            }
        }

        var message = JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, length));
        var only = message.EnumerateObject().First();
        return (only.Name, only.Value.Clone());
    }

    public async Task CloseAsync()
    {
        if (_socket.State == WebSocketState.Open)
        {
            await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
    }

    public void Dispose() => _socket.Dispose();
}
