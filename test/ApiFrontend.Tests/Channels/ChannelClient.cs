using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

/// <summary>A client's WebSocket at <c>/</c>.</summary>
internal sealed class ChannelClient : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[128 * 1024];

    public static async Task<ChannelClient> ConnectAsync(Uri server)
    {
        ChannelClient client = new();
        await client._socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/" }.Uri, CancellationToken.None);
        return client;
    }

    public Task SendAsync(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);

    public Task SendAsync(string name, Guid channelId, string more = "") => SendAsync($$$"""{"{{{name}}}":{"channel_id":"{{{channelId}}}"{{{more}}} } }""");

    /// <summary>The content of the next message, which must have this name.</summary>
    public async Task<JsonElement> NextAsync(string name)
    {
        var message = await NextAnyAsync();
        Assert.True(message.Name == name, $"{name} was expected; {message.Name} came: {message.Body}");
        return message.Body;
    }

    /// <summary>The next message.</summary>
    public async Task<(string Name, JsonElement Body)> NextAnyAsync()
    {
        using CancellationTokenSource deadline = new(Deadline);
        var length = 0;
        while (true)
        {
            var received = await _socket.ReceiveAsync(_buffer.AsMemory(length), deadline.Token);
            Assert.NotEqual(WebSocketMessageType.Close, received.MessageType);
            length += received.Count;
            if (received.EndOfMessage)
            {
                break;
            }
        }

        var only = JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, length)).EnumerateObject().Single();
        return (only.Name, only.Value);
    }

    public async Task<JsonElement> ErrorAsync(string code)
    {
        var error = await NextAsync("Error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        return error;
    }

    public async Task<JsonElement> AuthenticateAsync(string token)
    {
        await SendAsync($$$"""{"Authenticate":{"token":"{{{token}}}"} }""");
        return await NextAsync("Authenticated");
    }

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
