using Microsoft.Playwright;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace VoiceCluster.Browser.Tests;

/// <summary>One server, one Chromium and the harness site for all tests of the collection.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private StandaloneServer? _server;
    private HarnessSite? _site;
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    internal StandaloneServer Server => _server ?? throw new InvalidOperationException("The server is not started.");

    internal IBrowser Browser => _browser ?? throw new InvalidOperationException("The browser is not started.");

    public async Task InitializeAsync()
    {
        _site = await HarnessSite.StartAsync();
        _server = await StandaloneServer.StartAsync("server");
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM_PATH") ?? "/usr/bin/chromium",
            Args =
            [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--allow-loopback-in-peer-connection",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                "--autoplay-policy=no-user-gesture-required",
            ],
        });
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
        if (_site is not null)
        {
            await _site.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>Opens a page of the harness, against the fixture's server or another one.</summary>
    internal Task<HarnessPage> OpenHarnessAsync(StandaloneServer? server = null) => OpenHarnessAsync((server ?? Server).Url);

    /// <summary>Opens a page of the harness, against a server at an address.</summary>
    internal async Task<HarnessPage> OpenHarnessAsync(string url)
    {
        var page = await Browser.NewPageAsync();
        var harness = new HarnessPage(page, url);
        await page.GotoAsync(_site!.Url);
        await page.WaitForFunctionAsync("() => window.harness !== undefined");
        return harness;
    }
}

/// <summary>The tests that share the server and the browser, one after another.</summary>
[CollectionDefinition(Name)]
public sealed class ClusterGroup : ICollectionFixture<ClusterFixture>
{
    public const string Name = "cluster";
}
