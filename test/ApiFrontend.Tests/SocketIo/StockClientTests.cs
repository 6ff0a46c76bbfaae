using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>The stock npm socket.io-client 4 under Node.js. Each scenario asserts in node/client.mjs.</summary>
public sealed class StockClientTests : IClassFixture<StockClientTests.NodeModules>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData("exchange:websocket")]
    [InlineData("exchange:polling")]
    [InlineData("exchange:upgrade")]
    [InlineData("recovery:websocket")]
    [InlineData("recovery:polling")]
    [InlineData("recovery:upgrade")]
    [InlineData("namespaces")]
    [InlineData("oversize")]
    [InlineData("many")]
    public async Task Scenario_OfTheStockClient_Holds(string scenario)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using Process node = Start("node", "client.mjs", app.Address.ToString().TrimEnd('/'), scenario);
        string output = await EndAsync(node);
        Assert.True(node.ExitCode == 0, output);
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the client's sessions are gone");
    }

    [Fact]
    public async Task Stop_OfTheServer_IsATransportCloseToTheStockClient()
    {
        FrontendApp app = await FrontendApp.StartAsync();
        using Process node = Start("node", "client.mjs", app.Address.ToString().TrimEnd('/'), "server-close");
        Assert.Equal("connected", await node.StandardOutput.ReadLineAsync());
        await app.DisposeAsync();
        string output = await EndAsync(node);
        Assert.True(node.ExitCode == 0, output);
    }

    private static string Folder([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "../node");

    private static Process Start(string program, params string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        WorkingDirectory = Folder(),
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static async Task<string> EndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return output + await errors;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return $"It did not end within {Limit}.";
        }
    }

    /// <summary>Installs what package-lock.json pins, unless it is there.</summary>
    public sealed class NodeModules : IAsyncLifetime
    {
        public async Task InitializeAsync()
        {
            if (Directory.Exists(Path.Combine(Folder(), "node_modules")))
            {
                return;
            }

            using Process npm = Start("npm", "ci", "--no-audit", "--no-fund");
            string output = await EndAsync(npm);
            Assert.True(npm.ExitCode == 0, output);
        }

        public Task DisposeAsync() => Task.CompletedTask;
    }
}
