using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Limits;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>What a raw request got back.</summary>
internal sealed record RawAnswer(int Status, string Head, string Body);

/// <summary>Kestrel at a free port with the identity pipeline and one route of each policy.</summary>
internal sealed class AuthHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _handled;

    private AuthHost(WebApplication app) => _app = app;

    public HttpClient Client { get; } = new();

    public Uri Address => Client.BaseAddress!;

    public IServiceProvider Services => _app.Services;

    /// <summary>Requests that got through to a handler.</summary>
    public int Handled => Volatile.Read(ref _handled);

    public static Task<AuthHost> StartAsync(params (string Key, string? Value)[] settings)
        => StartAsync(TimeProvider.System, AuthDefaults.Server, settings);

    public static async Task<AuthHost> StartAsync(TimeProvider time, AuthDefaults defaults, params (string Key, string? Value)[] settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.WebHost.UseKestrelCore().UseUrls(builder.Configuration["urls"] ?? "http://127.0.0.1:0");
        builder.Services.AddSingleton(time);
        builder.Services.AddRouting();
        builder.Services.AddLogging();
        builder.Services.AddOptions<HttpOptions>().Bind(builder.Configuration.GetSection(HttpOptions.Section));
        builder.Services.AddVoiceAuth(builder.Configuration, defaults);
        AuthHost host = new(builder.Build());
        host.Map();
        try
        {
            await host._app.StartAsync();
        }
        catch (Exception)
        {
            await host.DisposeAsync();
            throw;
        }

        host.Client.BaseAddress = new Uri(host._app.Urls.First());
        return host;
    }

    /// <summary>Sends a request byte by byte as written, and reads one answer.</summary>
    public async Task<RawAnswer> SendRawAsync(string path, params string[] headers)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        using TcpClient client = new();
        await client.ConnectAsync(Address.Host, Address.Port, deadline.Token);
        await using var stream = client.GetStream();
        var request = string.Join("\r\n", [$"GET {path} HTTP/1.1", "Host: localhost", .. headers]) + "\r\n\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), deadline.Token);

        StringBuilder text = new();
        var buffer = new byte[4096];
        int read;
        while (!IsWhole(text.ToString()) && (read = await stream.ReadAsync(buffer, deadline.Token)) > 0)
        {
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        var parts = text.ToString().Split("\r\n\r\n", 2);
        return new RawAnswer(int.Parse(parts[0].Split(' ')[1]), parts[0], parts[1]);
    }

    /// <summary>Whether an answer has come whole: by its length, or by its last chunk.</summary>
    private static bool IsWhole(string text)
    {
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        var length = System.Text.RegularExpressions.Regex.Match(text[..end], @"Content-Length: (\d+)");
        return length.Success
            ? text.Length >= end + 4 + int.Parse(length.Groups[1].Value)
            : text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal);
    }

    /// <summary>A WebSocket upgrade that is refused, written raw.</summary>
    public Task<RawAnswer> SendUpgradeAsync(string path, params string[] headers) => SendRawAsync(path,
    [
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", .. headers,
    ]);

    public Task<HttpResponseMessage> GetAsync(string path, string? token = null)
    {
        HttpRequestMessage request = new(HttpMethod.Get, path);
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        return Client.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    private void Map()
    {
        _app.UseTrustedProxies();
        _app.UseVoiceAuth();
        _app.UseWebSockets();
        _app.MapVoiceAuth();
        _app.MapGet("/public", Answer).AllowAnonymous();
        _app.MapPost("/public", Answer).AllowAnonymous();
        _app.MapGet("/open", Answer).RequireIdentityUnlessOpen();
        _app.MapGet("/identity", Answer).RequireIdentity();
        _app.MapGet("/owner", Answer).RequireOwner("call");
        _app.MapGet("/admin", Answer).RequireRole(VoiceIdentity.AdminRole);
        _app.MapGet("/undeclared", Answer);
        _app.MapGet("/health", Answer).AllowAnonymous().DisableRateLimiting();
        _app.MapGet("/enveloped", Answer).RequireIdentity().WithRefusalShape(new Envelope());
        _app.MapGet("/ws", AnswerSocketAsync).RequireIdentity();
    }

    private IResult Answer(HttpContext context, VoiceIdentity? identity)
    {
        Interlocked.Increment(ref _handled);
        return Results.Json(new { identity, address = context.Connection.RemoteIpAddress?.ToString() });
    }

    /// <summary>Tells the user's id and closes.</summary>
    private async Task AnswerSocketAsync(HttpContext context)
    {
        Interlocked.Increment(ref _handled);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.AcceptedSubprotocol());
        var id = Encoding.ASCII.GetBytes(context.RequireIdentity().UserId.ToString());
        await socket.SendAsync(id, System.Net.WebSockets.WebSocketMessageType.Text, true, context.RequestAborted);
        await socket.CloseAsync(System.Net.WebSockets.WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }

    private sealed class Envelope : IRefusalShape
    {
        public Task WriteAsync(HttpContext context, Refusal refusal)
            => context.Response.WriteAsJsonAsync(new { status = refusal.Status, message = refusal.Message, data = (object?)null });
    }
}
