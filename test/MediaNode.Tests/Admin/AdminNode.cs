using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VoiceCluster.MediaNode.Admin;
using VoiceCluster.MediaNode.Tests.Control;

namespace VoiceCluster.MediaNode.Tests.Admin;

/// <summary>A media node with its HTTP port, and a second port as a process with a public one has it.</summary>
internal sealed class AdminNode : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new();

    private AdminNode(NodeFixture node, WebApplication app, int port, int publicPort)
    {
        (Node, _app) = (node, app);
        Url = $"http://127.0.0.1:{port}";
        PublicUrl = $"http://127.0.0.1:{publicPort}";
    }

    public NodeFixture Node { get; }

    public string Url { get; }

    public string PublicUrl { get; }

    public static async Task<AdminNode> StartAsync(string? token = null, int maxConsumersPerWorker = 0)
    {
        var (port, publicPort) = (FreePort(SocketType.Stream), FreePort(SocketType.Stream));
        MediaNodeOptions options = new() { PortRange = "21000-21999", PlainPortRange = "22000-22999", Workers = 2, HttpPort = port, AdminToken = token, MaxConsumersPerWorker = maxConsumersPerWorker };
        var node = await NodeFixture.StartAsync(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}", $"http://127.0.0.1:{publicPort}");
        builder.Services.AddSingleton(Options.Create(options)).AddSingleton(node.Runtime).AddSingleton(node.Control).AddSingleton(node.Plain).AddSingleton(TimeProvider.System).AddAdmin();
        var app = builder.Build();
        app.MapAdmin();
        await app.StartAsync();
        return new AdminNode(node, app, port, publicPort);
    }

    public static int FreePort(SocketType type)
    {
        using Socket socket = new(AddressFamily.InterNetwork, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public async Task<JsonElement> GetAsync(string path) => await OkAsync(await _http.GetAsync(Url + path));

    public async Task<string> GetTextAsync(string path) => await _http.GetStringAsync(Url + path);

    public async Task<JsonElement> PostAsync(string path, string body = "{}") => await OkAsync(await SendAsync(HttpMethod.Post, path, body));

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null, string? url = null, Action<HttpRequestMessage>? change = null)
    {
        using HttpRequestMessage request = new(method, (url ?? Url) + path);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        change?.Invoke(request);
        return await _http.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        await Node.DisposeAsync();
    }

    private static async Task<JsonElement> OkAsync(HttpResponseMessage answer)
    {
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        return answer.StatusCode == HttpStatusCode.NoContent ? default : await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
