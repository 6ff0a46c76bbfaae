using VoiceCluster.Abstractions;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>The door for mediasoup-client over Socket.IO: namespace <c>/voice</c>, docs/protocols/mediasoup.md.</summary>
internal sealed partial class MediasoupDoor(
    MediasoupMembers members, MediasoupGate gate, FrontendMetrics metrics, TimeProvider time, ILogger<MediasoupDoor> logger)
{
    /// <summary>The door's name in rooms.</summary>
    public const string Name = "mediasoup";

    /// <summary>The namespace it serves.</summary>
    public const string Namespace = "/voice";

    /// <summary>Opens the door.</summary>
    public void Map(SocketIoServer server) => server.Of(Namespace).Use(gate.AdmitAsync).OnConnection(OnConnection);

    private void OnConnection(SocketIoSocket socket)
    {
        var session = new MediasoupSession(socket, members, gate, logger);
        socket.On("join-room", r => HandleAsync(r, q => session.JoinAsync(q, r.Ack)));
        On(socket, "leave-room", session.LeaveAsync);
        On(socket, "create-transport", session.CreateTransportAsync);
        On(socket, "connect-transport", session.ConnectTransportAsync);
        On(socket, "close-transport", session.CloseTransportAsync);
        On(socket, "restart-ice", session.RestartIceAsync);
        On(socket, "produce", session.ProduceAsync);
        On(socket, "pause-producer", r => session.PauseProducerAsync(r, paused: true));
        On(socket, "resume-producer", r => session.PauseProducerAsync(r, paused: false));
        On(socket, "close-producer", session.CloseProducerAsync);
        On(socket, "consume", session.ConsumeAsync);
        On(socket, "pause-consumer", r => session.PauseConsumerAsync(r, paused: true));
        On(socket, "resume-consumer", r => session.PauseConsumerAsync(r, paused: false));
        On(socket, "close-consumer", session.CloseConsumerAsync);
        On(socket, "set-preferred-layers", session.SetPreferredLayersAsync);
        socket.OnAny(request =>
        {
            // The name is the client's own text: it does not become a metric's label.
            metrics.Request(Name, "unknown", "INVALID", TimeSpan.Zero);
            request.Ack(MediasoupAnswers.Error("INVALID", "The door knows no such event."));
            return Task.CompletedTask;
        });
        socket.OnDisconnected(session.OnDisconnectedAsync);
    }

    private void On(SocketIoSocket socket, string name, Func<MediasoupRequest, Task<Outcome<SocketIoPayload>>> handle)
        => socket.On(name, request => HandleAsync(request, handle));

    private async Task HandleAsync(SocketIoRequest request, Func<MediasoupRequest, Task<Outcome<SocketIoPayload>>> handle)
    {
        long started = time.GetTimestamp();
        string outcome = "OK";
        try
        {
            Outcome<SocketIoPayload> answer = await handle(new MediasoupRequest(request.Payload.ItemOrDefault(0))).ConfigureAwait(false);
            if (answer.Fault is { } fault)
            {
                outcome = MediasoupAnswers.Code(fault.Code);
                LogRefused(logger, request.Name, request.Socket.Id, outcome, fault.Message);
                request.Ack(MediasoupAnswers.Error(outcome, fault.Message));
            }
            else
            {
                request.Ack(answer.Value!);
            }
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException or OrleansException)
        {
            // The room's silo is lost or too slow; the client may try again.
            outcome = "UNAVAILABLE";
            LogUnavailable(logger, e, request.Name, request.Socket.Id);
            request.Ack(MediasoupAnswers.Error(outcome, "The room cannot be reached now. Try again."));
        }
        catch (Exception e)
        {
            outcome = "INTERNAL";
            LogFailed(logger, e, request.Name, request.Socket.Id);
            request.Ack(MediasoupAnswers.Error(outcome, "The server failed to do this."));
        }
        finally
        {
            metrics.Request(Name, request.Name, outcome, time.GetElapsedTime(started));
        }
    }

    [LoggerMessage(3220, LogLevel.Debug, "{Event} of socket {SocketId} refused: {Code}, {Message}")]
    private static partial void LogRefused(ILogger logger, string @event, string socketId, string code, string message);

    [LoggerMessage(3221, LogLevel.Warning, "{Event} of socket {SocketId} did not reach its room")]
    private static partial void LogUnavailable(ILogger logger, Exception exception, string @event, string socketId);

    [LoggerMessage(3222, LogLevel.Error, "{Event} of socket {SocketId} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string @event, string socketId);
}
