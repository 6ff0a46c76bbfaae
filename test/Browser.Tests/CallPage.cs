using System.Text.Json;
using Microsoft.Playwright;

namespace VoiceCluster.Browser.Tests;

/// <summary>A browser page with the document's own client in it, served by the server itself.</summary>
internal sealed class CallPage : IAsyncDisposable
{
    private const float DeadlineMilliseconds = 30_000;

    private readonly IBrowserContext _context;
    private readonly IPage _page;
    private readonly List<string> _console = [];

    private CallPage(IBrowserContext context, IPage page)
    {
        _context = context;
        _page = page;
        page.Console += (_, message) => _console.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => _console.Add($"uncaught: {error}");
    }

    public static async Task<CallPage> OpenAsync(ClusterFixture cluster, string token, int toneHz)
    {
        // The server's page forbids foreign scripts; the document's client stands for one that is built into a page.
        var context = await cluster.Browser.NewContextAsync(new BrowserNewContextOptions { BypassCSP = true });
        CallPage page = new(context, await context.NewPageAsync());
        await page._page.GotoAsync(cluster.Server.Url);
        await page._page.AddScriptTagAsync(new PageAddScriptTagOptions { Content = PrintedDocument.Calls.CodeAfter("### JavaScript Example") });
        await page._page.AddScriptTagAsync(new PageAddScriptTagOptions
        {
            Path = Path.Combine(AppContext.BaseDirectory, "TestData", "call-page.js"),
        });
        await page._page.EvaluateAsync("([token, hz]) => window.setUp(token, hz)", new object[] { token, toneHz });
        return page;
    }

    public Task<T> EvaluateAsync<T>(string function, object? argument = null) => _page.EvaluateAsync<T>(function, argument);

    /// <summary>Waits until an expression is true.</summary>
    public async Task WaitAsync(string expression, object? argument = null)
    {
        try
        {
            await _page.WaitForFunctionAsync(
                expression, argument, new PageWaitForFunctionOptions { Timeout = DeadlineMilliseconds, PollingInterval = 50 });
        }
        catch (TimeoutException)
        {
            var log = await _page.EvaluateAsync<JsonElement>("() => client.log.map((m) => [m.type, typeof m.data === 'string' ? m.data : ''])");
            Assert.Fail($"{expression} did not come true.\n{log.GetRawText()}\n{string.Join('\n', _console.TakeLast(20))}");
        }
    }

    /// <summary>Waits for a message and gives its data.</summary>
    public async Task<JsonElement> MessageAsync(string type)
    {
        await WaitAsync("(type) => client.log.some((m) => m.type === type)", type);
        return await _page.EvaluateAsync<JsonElement>("(type) => client.log.find((m) => m.type === type).data", type);
    }

    public async ValueTask DisposeAsync() => await _context.CloseAsync();
}
