using System.Text;
using Microsoft.AspNetCore.Http;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>Polls against a session, without a server between.</summary>
public sealed class PollingTransportTests
{
    [Fact]
    public async Task Poll_ByAClientThatHasTheLastAnswerBeforeItsWriteReturned_IsTaken()
    {
        var listener = new Listener();
        var session = new EngineSession("id", "127.0.0.1", EngineTransport.Polling, new SocketIoOptions(), TimeProvider.System, _ => { })
        {
            Listener = listener,
        };
        Task next = Task.CompletedTask;
        using var nextBody = new MemoryStream();
        using var body = new Body(() => next = PollingTransport.PollAsync(session, Context(nextBody)));

        session.Send([EngineFrame.Ping]);
        await PollingTransport.PollAsync(session, Context(body));
        Assert.Equal("2", Encoding.UTF8.GetString(body.ToArray()));
        Assert.False(next.IsCompleted);

        session.Send([EngineFrame.Noop]);
        await next;
        Assert.Equal("6", Encoding.UTF8.GetString(nextBody.ToArray()));
        Assert.Empty(listener.Ends);

        // A poll beside one that still waits is a confused client's, as ever.
        Task waiting = PollingTransport.PollAsync(session, Context(new MemoryStream()));
        DefaultHttpContext second = Context(new MemoryStream());
        await PollingTransport.PollAsync(session, second);
        Assert.Equal(StatusCodes.Status400BadRequest, second.Response.StatusCode);
        await waiting;
        Assert.Equal([DisconnectReason.TransportError], listener.Ends);
    }

    private static DefaultHttpContext Context(Stream body) => new() { Response = { Body = body } };

    private sealed class Listener : IEngineListener
    {
        public List<DisconnectReason> Ends { get; } = [];

        public ValueTask OnMessageAsync(EnginePacket message) => ValueTask.CompletedTask;

        public void OnClosed(DisconnectReason reason) => Ends.Add(reason);
    }

    /// <summary>Does something when it has what was written, before the writer goes on.</summary>
    private sealed class Body(Action written) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            written();
        }
    }
}
