using System.Text.Json;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>
/// <c>/admin/*</c> of the media node's HTTP port: plain transports with mediasoup's names, for FFmpeg, GStreamer, other servers and load
/// generators. <see cref="AdminGate"/> says for whom.
/// </summary>
internal static class AdminHosting
{
    /// <summary>Longest body: parameters with every codec have some 10 kB.</summary>
    private const long MaxBody = 64 * 1024;

    public static IServiceCollection AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<AdminRouters>();
        services.AddSingleton<PlainParticipants>();
        services.AddSingleton<AdminGate>();
        return services;
    }

    public static void MapAdmin(this IEndpointRouteBuilder endpoints)
    {
        var admin = endpoints.MapGroup("/admin").AllowAnonymous().ExcludeFromDescription();
        admin.AddEndpointFilter(static (context, next) => context.HttpContext.RequestServices.GetRequiredService<AdminGate>().InvokeAsync(context, next));
        admin.AddEndpointFilter(static async (context, next) =>
        {
            try
            {
                return await next(context).ConfigureAwait(false);
            }
            catch (TaskCanceledException) when (!context.HttpContext.RequestAborted.IsCancellationRequested)
            {
                return AdminAnswer.Problem(503, "The media node is stopping.");
            }
        });

        admin.MapGet("/routers", static async (AdminRouters routers) => (await routers.ListAsync()).ToResult());
        admin.MapPost("/routers", static (HttpRequest request, AdminRouters routers) => WithBodyAsync(request, json =>
            json.TryGetProperty("id", out var id) && id.ValueKind != JsonValueKind.String ? Refuse("id must be a text.") : routers.CreateAsync(PlainRequests.Text(json, "id"))));
        admin.MapGet("/routers/{router}", static async (string router, AdminRouters routers) => (await routers.GetAsync(router)).ToResult());
        admin.MapDelete("/routers/{router}", static async (string router, AdminRouters routers) => (await routers.DeleteAsync(router)).ToResult());
        admin.MapPost("/routers/{router}/plain-transports", static (string router, HttpRequest request, AdminRouters routers) => WithBodyAsync(request, json =>
            PlainRequests.ReadOptions(json, out var listen, out var options) is { } wrong ? Refuse(wrong)
                : PlainRequests.ReadParticipant(json, out var participant) is { } wrongWho ? Refuse(wrongWho)
                : participant is null ? routers.CreateTransportAsync(router, listen, options)
                : routers.CreateForParticipantAsync(router, participant, json.GetRawText())));

        var transport = admin.MapGroup("/transports/{id}");
        transport.MapGet("", static async (string id, AdminRouters routers) => (await routers.GetTransportAsync(id)).ToResult());
        transport.MapDelete("", static async (string id, AdminRouters routers) => (await routers.CloseAsync(id)).ToResult());
        transport.MapGet("/sdp", static async (string id, AdminRouters routers) =>
            await routers.DescribeSdpAsync(id) is var (sdp, refused) && sdp is not null ? Results.Text(sdp, "application/sdp") : refused.ToResult());
        transport.MapPost("/connect", static (string id, HttpRequest request, AdminRouters routers) => WithBodyAsync(request, json =>
            PlainRequests.ReadConnect(json, out var connect) is { } wrong ? Refuse(wrong) : routers.ConnectAsync(id, connect)));
        transport.MapPost("/producers", static (string id, HttpRequest request, AdminRouters routers) => WithBodyAsync(request, json => ProduceAsync(id, json, routers)));
        transport.MapPost("/consumers", static (string id, HttpRequest request, AdminRouters routers) => WithBodyAsync(request, json => ConsumeAsync(id, json, routers)));
        foreach (var isProducer in (bool[])[true, false])
        {
            var media = transport.MapGroup(isProducer ? "/producers/{media}" : "/consumers/{media}");
            media.MapDelete("", async (string id, string media, AdminRouters routers) => (await routers.CloseMediaAsync(id, media, isProducer)).ToResult());
            media.MapPost("/pause", async (string id, string media, AdminRouters routers) => (await routers.SetPausedAsync(id, media, isProducer, paused: true)).ToResult());
            media.MapPost("/resume", async (string id, string media, AdminRouters routers) => (await routers.SetPausedAsync(id, media, isProducer, paused: false)).ToResult());
        }
    }

    private static Task<AdminAnswer> ProduceAsync(string id, JsonElement json, AdminRouters routers)
    {
        if (PlainRequests.Text(json, "kind") is not { } kindText || ReadKind(kindText) is not { } kind)
        {
            return Refuse("kind must be audio or video.");
        }

        if (json.TryGetProperty("id", out var producer) && (producer.ValueKind != JsonValueKind.String || producer.GetString() is not { Length: >= 1 and <= 64 }))
        {
            return Refuse("id must be a text of 1 to 64 characters.");
        }

        if (!PlainRequests.TryReadFlag(json, "paused", false, out var paused))
        {
            return Refuse("paused must be true or false.");
        }

        if (!json.TryGetProperty("rtpParameters", out var given) || given.ValueKind != JsonValueKind.Object)
        {
            return Refuse("rtpParameters are missing.");
        }

        return RtpParameters.TryParse(given.GetRawText(), out var parameters, out var error)
            ? routers.ProduceAsync(id, PlainRequests.Text(json, "id"), kind, parameters, paused)
            : Refuse(error);
    }

    private static Task<AdminAnswer> ConsumeAsync(string id, JsonElement json, AdminRouters routers)
    {
        if (PlainRequests.Text(json, "producerId") is not { } producerId)
        {
            return Refuse("producerId is missing.");
        }

        if (!PlainRequests.TryReadFlag(json, "paused", false, out var paused))
        {
            return Refuse("paused must be true or false.");
        }

        if (!json.TryGetProperty("rtpCapabilities", out var given))
        {
            return routers.ConsumeAsync(id, producerId, Router.RtpCapabilities, paused);
        }

        return RtpCapabilities.TryParse(given.GetRawText(), out var capabilities, out var error)
            ? routers.ConsumeAsync(id, producerId, capabilities, paused)
            : Refuse(error);
    }

    private static MediaKind? ReadKind(string kind) => kind switch
    {
        "audio" => MediaKind.Audio,
        "video" => MediaKind.Video,
        _ => null,
    };

    private static Task<AdminAnswer> Refuse(string detail) => Task.FromResult(AdminAnswer.Refuse(400, detail));

    /// <summary>An empty body is an empty object.</summary>
    private static async Task<IResult> WithBodyAsync(HttpRequest request, Func<JsonElement, Task<AdminAnswer>> run)
    {
        if (request.ContentLength > MaxBody)
        {
            return AdminAnswer.Problem(413, $"The body is longer than {MaxBody} bytes.");
        }

        using MemoryStream body = new();
        var buffer = new byte[8 * 1024];
        for (int read; (read = await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted).ConfigureAwait(false)) > 0;)
        {
            if (body.Length + read > MaxBody)
            {
                return AdminAnswer.Problem(413, $"The body is longer than {MaxBody} bytes.");
            }

            body.Write(buffer, 0, read);
        }

        try
        {
            using var document = JsonDocument.Parse(body.Length == 0 ? "{}"u8.ToArray() : body.ToArray());
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? (await run(document.RootElement.Clone()).ConfigureAwait(false)).ToResult()
                : AdminAnswer.Problem(400, "The body must be a JSON object.");
        }
        catch (JsonException)
        {
            return AdminAnswer.Problem(400, "The body is no JSON.");
        }
    }
}
