using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Hosting;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Calls;

/// <summary>
/// Serves a recording's file from the media node that has it, with the ranges that the client asks for (RFC 9110 §14). Who may
/// fetch it is checked first; the node's address never reaches the client.
/// </summary>
internal sealed partial class RecordingContent : IDisposable
{
    private const int BufferSize = 64 * 1024;

    /// <summary>How long the node may take to begin its answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly string[] PassedOn = [HeaderNames.Range, HeaderNames.IfRange, HeaderNames.IfNoneMatch, HeaderNames.IfModifiedSince];

    private readonly ILogger<RecordingContent> _logger;
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = Patience })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly ClusterKey _key;
    private readonly MediaNodeAddresses _nodes;

    public RecordingContent(ClusterKey key, MediaNodeAddresses nodes, ILogger<RecordingContent> logger) => (_key, _nodes, _logger) = (key, nodes, logger);

    public static async Task<IResult> ServeAsync(
        HttpContext context,
        string sessionId,
        string recordingId,
        string name,
        string? userId,
        [FromServices] IGrainFactory grains,
        [FromServices] RecordingContent content)
    {
        var request = PeerRequest.Of(context);
        var session = request.ReadId(sessionId, PeerIds.Call, "call session");
        var recording = request.ReadId(recordingId, PeerIds.Recording, "recording");
        var reader = request.Reader(userId, "userId");
        if (request.Error is { } error)
        {
            return PeerJson.Error(error);
        }

        var recordings = await grains.GetGrain<ICallSessionGrain>(session).GetRecordingsAsync(reader).ConfigureAwait(false);
        if (recordings.Fault is { } fault)
        {
            return PeerJson.Error(PeerError.Of(fault));
        }

        var file = Array.Find(recordings.Value!, r => r.Id == recording)?.Files.FirstOrDefault(f => f.Name == name);
        return file is null ? PeerJson.Error(new PeerError(404, "recording not found")) : await content.PassOnAsync(context, recording, file).ConfigureAwait(false);
    }

    /// <summary>Has the nodes delete a recording's files at once. One that cannot be reached does so when it reports again.</summary>
    public async Task DeleteAsync(RecordingInfo recording)
    {
        foreach (var file in recording.Files.DistinctBy(f => f.Node))
        {
            try
            {
                // The directory that the file is in.
                var url = await _nodes.UrlOfAsync(recording.Id, file).ConfigureAwait(false);
                using HttpRequestMessage ask = new(HttpMethod.Delete, url[..url.LastIndexOf('/')]);
                ask.Headers.TryAddWithoutValidation(ClusterKey.Header, _key.Sign(HttpMethod.Delete.Method, ask.RequestUri!.AbsolutePath));
                using var patience = new CancellationTokenSource(Patience);
                using var answer = await _client.SendAsync(ask, patience.Token).ConfigureAwait(false);
                answer.EnsureSuccessStatusCode();
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException or UriFormatException or OperationCanceledException)
            {
                LogNodeAway(_logger, e, file.Node, file.Name);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<IResult> PassOnAsync(HttpContext context, Guid recording, RecordingFile file)
    {
        using HttpRequestMessage ask = new(HttpMethod.Get, await _nodes.UrlOfAsync(recording, file).ConfigureAwait(false));
        foreach (var header in PassedOn)
        {
            if (context.Request.Headers.TryGetValue(header, out var values))
            {
                ask.Headers.TryAddWithoutValidation(header, values.AsEnumerable());
            }
        }

        HttpResponseMessage answer;
        try
        {
            ask.Headers.TryAddWithoutValidation(ClusterKey.Header, _key.Sign(HttpMethod.Get.Method, ask.RequestUri!.AbsolutePath));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            patience.CancelAfter(Patience);
            answer = await _client.SendAsync(ask, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or InvalidOperationException or UriFormatException
            || (e is OperationCanceledException && !context.RequestAborted.IsCancellationRequested))
        {
            LogNodeAway(_logger, e, file.Node, file.Name);
            return PeerJson.Error(new PeerError(503, "the media node that has the recording cannot be reached now, try again"));
        }

        using (answer)
        {
            switch (answer.StatusCode)
            {
                case HttpStatusCode.OK or HttpStatusCode.PartialContent or HttpStatusCode.NotModified:
                    await CopyAsync(context, file, answer).ConfigureAwait(false);
                    return Results.Empty;
                case HttpStatusCode.RequestedRangeNotSatisfiable:
                    context.Response.Headers.ContentRange = answer.Content.Headers.ContentRange?.ToString() ?? $"bytes */{file.Size}";
                    return PeerJson.Error(new PeerError(416, "the recording has no such range"));
                case HttpStatusCode.NotFound:
                    return PeerJson.Error(new PeerError(404, "recording not found"));
                default:
                    return PeerJson.Error(new PeerError(503, "the media node that has the recording cannot serve it now, try again"));
            }
        }
    }

    private static async Task CopyAsync(HttpContext context, RecordingFile file, HttpResponseMessage answer)
    {
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        response.ContentType = answer.StatusCode == HttpStatusCode.PartialContent && answer.Content.Headers.ContentType?.MediaType == "multipart/byteranges"
            ? answer.Content.Headers.ContentType.ToString()
            : file.ContentType;
        response.ContentLength = answer.Content.Headers.ContentLength;
        response.Headers.AcceptRanges = "bytes";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "private, no-cache";
        response.Headers.ContentDisposition = $"attachment; filename=\"{file.Name}\"";
        if (answer.Content.Headers.ContentRange is { } range)
        {
            response.Headers.ContentRange = range.ToString();
        }

        if (answer.Headers.ETag is { } tag)
        {
            response.Headers.ETag = tag.ToString();
        }

        if (answer.Content.Headers.LastModified is { } modified)
        {
            response.GetTypedHeaders().LastModified = modified;
        }

        await using var body = await answer.Content.ReadAsStreamAsync(context.RequestAborted).ConfigureAwait(false);
        await body.CopyToAsync(response.Body, BufferSize, context.RequestAborted).ConfigureAwait(false);
    }

    [LoggerMessage(3640, LogLevel.Warning, "Media node {Node} does not serve {File}")]
    private static partial void LogNodeAway(ILogger logger, Exception exception, string node, string file);
}
