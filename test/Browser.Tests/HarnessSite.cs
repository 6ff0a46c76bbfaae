using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace VoiceCluster.Browser.Tests;

/// <summary>Serves the harness page (web/harness) from an origin of its own, so that every test crosses origins.</summary>
internal sealed class HarnessSite : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _folder;

    private HarnessSite(WebApplication app, string folder, string url)
    {
        _app = app;
        _folder = folder;
        Url = url;
    }

    public string Url { get; }

    public static async Task<HarnessSite> StartAsync()
    {
        await Command.InstallPackagesAsync(Repository.Web);
        var folder = Directory.CreateTempSubdirectory("voicecluster-harness-").FullName;
        await Command.RunAsync(Repository.Web, "node", "build.mjs", "--harness", folder);

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var port = FreePorts.Tcp();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        app.UseFileServer(new FileServerOptions { FileProvider = new PhysicalFileProvider(folder) });
        await app.StartAsync();
        return new HarnessSite(app, folder, $"http://localhost:{port}/");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
