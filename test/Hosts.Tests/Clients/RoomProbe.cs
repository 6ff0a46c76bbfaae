using System.Net.WebSockets;
using VoiceCluster.LoadTest.Signalling;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>A participant without media that asks its room something and notes when it answers.</summary>
internal sealed class RoomProbe : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly SocketIoClient _socket;

    private RoomProbe(SocketIoClient socket, string room) => (_socket, Room) = (socket, room);

    public string Room { get; }

    public static async Task<RoomProbe> JoinAsync(Uri frontend, string room)
    {
        var socket = await SocketIoClient.ConnectAsync(frontend, "/voice");
        await socket.AskAsync("join-room", $$"""{"roomId":"{{room}}","userId":"probe"}""");
        return new RoomProbe(socket, room);
    }

    /// <summary>Asks until the room itself answers. The answer is that there is no such consumer.</summary>
    public Task AnswersAsync() => AnswersAsync(_socket, Room);

    /// <summary>The same, by a participant's connection.</summary>
    public static async Task AnswersAsync(SocketIoClient socket, string room)
    {
        while (true)
        {
            try
            {
                await socket.AskAsync("close-consumer", $$"""{"roomId":"{{room}}","consumerId":"none"}""");
            }
            catch (InvalidOperationException e) when (e.Message.Contains("NOT_FOUND", StringComparison.Ordinal))
            {
                return;
            }
            catch (Exception e) when (e is InvalidOperationException or TimeoutException)
            {
                await Task.Delay(Pause);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _socket.DisposeAsync();
        }
        catch (WebSocketException)
        {
            // Its frontend was lost.
            return;
        }
    }
}
