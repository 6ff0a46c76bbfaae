using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>An issuer's key address: a real HTTP server whose answer a test chooses.</summary>
internal sealed class JwksServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;
    private volatile string _body = """{"keys":[]}""";

    private JwksServer(WebApplication app) => _app = app;

    public string Url => $"{_app.Urls.Single()}/keys";

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Answers 500 while false.</summary>
    public bool Healthy { get; set; } = true;

    /// <summary>What an answer waits for.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public static async Task<JwksServer> StartAsync(params JsonObject[] keys)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        JwksServer server = new(builder.Build());
        server.Publish(keys);
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    public void Publish(params JsonObject[] keys)
        => _body = new JsonObject { ["keys"] = new JsonArray([.. keys.Select(k => k.DeepClone())]) }.ToJsonString();

    public void PublishText(string body) => _body = body;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        await Gate;
        if (!Healthy)
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        context.Response.ContentType = "application/jwk-set+json";
        await context.Response.WriteAsync(_body);
    }
}
