using System.Text.Json;

namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>The refusals of engine.io, with its codes and words.</summary>
internal sealed record EngineError(int Status, int Code, string Message)
{
    public static readonly EngineError TransportUnknown = new(400, 0, "Transport unknown");
    public static readonly EngineError SessionUnknown = new(400, 1, "Session ID unknown");
    public static readonly EngineError BadHandshakeMethod = new(400, 2, "Bad handshake method");
    public static readonly EngineError BadRequest = new(400, 3, "Bad request");
    public static readonly EngineError Forbidden = new(403, 4, "Forbidden");
    public static readonly EngineError UnsupportedProtocol = new(400, 5, "Unsupported protocol version");
    public static readonly EngineError TooLarge = new(413, 3, "Payload too large");
    public static readonly EngineError TooManySessions = new(503, 3, "Too many connections");

    public async Task WriteAsync(HttpContext context)
    {
        context.Response.StatusCode = Status;
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync(
            $$"""{"code":{{Code}},"message":{{JsonSerializer.Serialize(Message)}}}""", context.RequestAborted).ConfigureAwait(false);
    }
}
