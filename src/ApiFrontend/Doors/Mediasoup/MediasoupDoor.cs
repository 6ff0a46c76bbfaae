using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>The door for mediasoup-client over Socket.IO: namespace <c>/voice</c>, docs/protocols/mediasoup.md.</summary>
internal sealed partial class MediasoupDoor(
    MediasoupMembers members,
    MediasoupGate gate,
    TokenExpiry expiry,
    RequestLimits limits,
    FrontendMetrics metrics,
    TimeProvider time,
    ILogger<MediasoupDoor> logger)
{
    /// <summary>The door's name in rooms.</summary>
    public const string Name = "mediasoup";

    /// <summary>The namespace it serves.</summary>
    public const string Namespace = "/voice";

    /// <summary>Opens the door.</summary>
    public void Map(SocketIoServer server) => server.Of(Namespace)
        .Use(gate.AdmitAsync)
        .OnConnection(OnConnection)
        .OnStopping(static socket => socket.Emit("server-restart", MediasoupAnswers.Restart, isVolatile: true));

    private void OnConnection(SocketIoSocket socket)
    {
        var ticket = new MediasoupTicket(socket, expiry, limits);
        var session = new MediasoupSession(socket, members, gate, ticket, logger);
        socket.On("join-room", r => HandleAsync(r, ticket, q => session.JoinAsync(q, r.Ack)));
        On("leave-room", session.LeaveAsync);
        On("create-transport", session.CreateTransportAsync);
        On("connect-transport", session.ConnectTransportAsync);
        On("close-transport", session.CloseTransportAsync);
        On("restart-ice", session.RestartIceAsync);
        On("produce", session.ProduceAsync);
        On("pause-producer", r => session.PauseProducerAsync(r, paused: true));
        On("resume-producer", r => session.PauseProducerAsync(r, paused: false));
        On("close-producer", session.CloseProducerAsync);
        On("consume", session.ConsumeAsync);
        On("pause-consumer", r => session.PauseConsumerAsync(r, paused: true));
        On("resume-consumer", r => session.PauseConsumerAsync(r, paused: false));
        On("close-consumer", session.CloseConsumerAsync);
        On("set-preferred-layers", session.SetPreferredLayersAsync);
        On("set-priority", session.SetPriorityAsync);
        On("set-max-outgoing-bitrate", r => session.SetBitrateAsync(r, TransportBitrate.MaxOutgoing));
        On("set-min-outgoing-bitrate", r => session.SetBitrateAsync(r, TransportBitrate.MinOutgoing));
        On("set-max-incoming-bitrate", r => session.SetBitrateAsync(r, TransportBitrate.MaxIncoming));
        socket.OnAny(request =>
        {
            // The name is the client's own text: it does not become a metric's label.
            if (TryAdmit(request, ticket, "unknown"))
            {
                metrics.Request(Name, "unknown", "INVALID", TimeSpan.Zero);
                request.Ack(MediasoupAnswers.Error("INVALID", "The door knows no such event."));
            }

            return Task.CompletedTask;
        });
        socket.OnDisconnected(reason =>
        {
            ticket.Dispose();
            return session.OnDisconnectedAsync(reason);
        });

        void On(string name, Func<MediasoupRequest, Task<Outcome<SocketIoPayload>>> handle)
            => socket.On(name, request => HandleAsync(request, ticket, handle));
    }

    /// <summary>Whether an event is within its limits; if not, it has been answered.</summary>
    private bool TryAdmit(SocketIoRequest request, MediasoupTicket ticket, string name)
    {
        if (ticket.TryTake(out TimeSpan retryAfter))
        {
            return true;
        }

        metrics.Request(Name, name, Refusal.TooManyRequests.Code, TimeSpan.Zero);
        request.Ack(MediasoupAnswers.RateLimited(retryAfter));
        return false;
    }

    private async Task HandleAsync(
        SocketIoRequest request, MediasoupTicket ticket, Func<MediasoupRequest, Task<Outcome<SocketIoPayload>>> handle)
    {
        if (!TryAdmit(request, ticket, request.Name))
        {
            return;
        }

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
