using System.Buffers;
using System.IO.Pipelines;

namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>HTTP long-polling: GET takes what is queued or waits for it, POST brings packets.</summary>
internal static class PollingTransport
{
    private const int MaxAnswerBytes = 1_000_000;

    public static async Task PollAsync(EngineSession session, HttpContext context)
    {
        if (!session.TryBeginPoll())
        {
            // engine.io: a second poll beside an open one means a confused client.
            session.Abort(DisconnectReason.TransportError);
            await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        List<EngineFrame> frames = [];
        try
        {
            await TakeAsync(session, frames, context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            session.Close(DisconnectReason.TransportClose);
            return;
        }
        finally
        {
            // Before the answer goes out: the client polls again once it has it, which can be before the write returns here.
            session.EndPoll();
        }

        try
        {
            await WriteAsync(context, frames).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The poll's connection ended: what it carried is lost, and with it the session.
            session.Close(DisconnectReason.TransportClose);
        }
    }

    /// <summary>Takes what is queued, or waits for it; at the end of the session a close, for a client that moves on a noop.</summary>
    private static async Task TakeAsync(EngineSession session, List<EngineFrame> frames, CancellationToken aborted)
    {
        while (true)
        {
            session.Take(frames, MaxAnswerBytes);
            if (frames.Count > 0)
            {
                return;
            }

            if (session.Ended.IsCancellationRequested)
            {
                frames.Add(EngineFrame.Close);
                return;
            }

            if (session.MustReleasePoll)
            {
                frames.Add(EngineFrame.Noop);
                return;
            }

            await session.WaitAsync().WaitAsync(aborted).ConfigureAwait(false);
        }
    }

    public static async Task PostAsync(EngineSession session, HttpContext context, SocketIoOptions options)
    {
        if (!session.TryBeginPost())
        {
            session.Abort(DisconnectReason.TransportError);
            await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        try
        {
            byte[]? body = await ReadBodyAsync(context, options.MaxPayload).ConfigureAwait(false);
            if (body is null)
            {
                session.Abort(DisconnectReason.ParseError);
                await EngineError.TooLarge.WriteAsync(context).ConfigureAwait(false);
                return;
            }

            List<EnginePacket> packets = [];
            bool valid = EnginePayload.TryParse(body, options.MaxPacketsPerPayload, packets);
            for (int i = 0; valid && i < packets.Count; i++)
            {
                valid = await session.ReceiveAsync(packets[i]).ConfigureAwait(false);
            }

            if (!valid)
            {
                session.Abort(DisconnectReason.ParseError);
                await EngineError.BadRequest.WriteAsync(context).ConfigureAwait(false);
                return;
            }

            context.Response.ContentType = "text/html";
            context.Response.Headers.CacheControl = "no-store";
            await context.Response.WriteAsync("ok", context.RequestAborted).ConfigureAwait(false);
        }
        catch (BadHttpRequestException)
        {
            // Kestrel's own limit; it knows the status to answer.
            session.Abort(DisconnectReason.ParseError);
            throw;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            session.Close(DisconnectReason.TransportClose);
        }
        finally
        {
            session.EndPost();
        }
    }

    /// <summary>The body, or null when it is longer than allowed.</summary>
    private static async Task<byte[]?> ReadBodyAsync(HttpContext context, int maxBytes)
    {
        if (context.Request.ContentLength > maxBytes)
        {
            return null;
        }

        PipeReader reader = context.Request.BodyReader;
        while (true)
        {
            ReadResult result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (result.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                return null;
            }

            if (result.IsCompleted)
            {
                byte[] body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    public static async Task WriteAsync(HttpContext context, IReadOnlyList<EngineFrame> frames)
    {
        context.Response.ContentType = "text/plain; charset=UTF-8";
        context.Response.Headers.CacheControl = "no-store";
        var body = new ArrayBufferWriter<byte>(256);
        EnginePayload.Write(frames, body);
        context.Response.ContentLength = body.WrittenCount;
        await context.Response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted).ConfigureAwait(false);
    }
}
