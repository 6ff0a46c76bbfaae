using Microsoft.Playwright;

namespace VoiceCluster.Browser.Tests;

/// <summary>The page at `/`, used as a person does: by roles, labels and keys.</summary>
internal sealed class RoomPage : IAsyncDisposable
{
    private readonly List<string> _errors = [];

    private RoomPage(IPage page)
    {
        Page = page;
        page.PageError += (_, error) => _errors.Add(error);
        page.Console += (_, message) =>
        {
            // A refused resource or a policy violation shows up here, and nowhere else.
            if (message.Type == "error")
            {
                _errors.Add(message.Text);
            }
        };
    }

    public IPage Page { get; }

    /// <summary>Uncaught exceptions and console errors since the page was opened.</summary>
    public IReadOnlyList<string> Errors => _errors;

    public ILocator People => Page.GetByRole(AriaRole.List, new() { Name = "People in this room" }).GetByRole(AriaRole.Listitem);

    public ILocator Status => Page.Locator(".status");

    public static async Task<RoomPage> OpenAsync(
        ClusterFixture cluster, string path = "/", int width = 1024, int height = 720, string? initScript = null, StandaloneServer? server = null)
    {
        var context = await cluster.Browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = (server ?? cluster.Server).Url,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        if (initScript is not null)
        {
            await context.AddInitScriptAsync(initScript);
        }

        var page = new RoomPage(await context.NewPageAsync());
        await page.Page.GotoAsync(path);
        return page;
    }

    public async Task JoinAsync(string room, string name)
    {
        await Page.GetByLabel("Room", new() { Exact = true }).FillAsync(room);
        await Page.GetByLabel("Your name").FillAsync(name);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Join" }).ClickAsync();
        await Assertions.Expect(Status).ToHaveTextAsync("Connected");
    }

    public ILocator Person(string name) => People.Filter(new() { HasText = name });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public Task<byte[]> ScreenshotAsync(string name) =>
        Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Artifacts, $"{name}.png") });

    /// <summary>By how many pixels the page is wider than the window.</summary>
    public Task<int> OverflowAsync() =>
        Page.EvaluateAsync<int>("() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth");

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
