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
        await Button("Join").ClickAsync();
        await Assertions.Expect(Status).ToHaveTextAsync("Connected");
    }

    /// <summary>Signs in by name and waits until the user can be called.</summary>
    public async Task SignInAsync(string username)
    {
        await Page.GetByLabel("Username", new() { Exact = true }).FillAsync(username);
        await Button("Sign in").ClickAsync();
        await Assertions.Expect(Page.GetByText($"Signed in as {username}", new() { Exact = true }).First).ToBeVisibleAsync();
        await Assertions.Expect(Button("Call")).ToBeEnabledAsync();
    }

    /// <summary>Calls a user out of the first page.</summary>
    public async Task CallAsync(string username)
    {
        await Page.GetByLabel("Username to call").FillAsync(username);
        await Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>The dialog of a call that rings here.</summary>
    public ILocator Ringing(string caller) => Page.GetByRole(AriaRole.Alertdialog, new() { Name = $"{caller} calls you" });

    /// <summary>Waits until a sound comes out of the page's audio element.</summary>
    public Task HearsAsync() => Page.WaitForFunctionAsync(
        """
        () => {
          const player = document.querySelector('audio');
          if (!player?.srcObject) {
            return false;
          }
          window.testEar ??= (() => {
            const context = new AudioContext();
            const analyser = context.createAnalyser();
            context.createMediaStreamSource(player.srcObject).connect(analyser);
            return analyser;
          })();
          const samples = new Float32Array(window.testEar.fftSize);
          window.testEar.getFloatTimeDomainData(samples);
          return samples.some((sample) => Math.abs(sample) > 0.02);
        }
        """,
        null,
        new PageWaitForFunctionOptions { Timeout = 20_000, PollingInterval = 50 });

    public ILocator Person(string name) => People.Filter(new() { HasText = name });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public Task<byte[]> ScreenshotAsync(string name) =>
        Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Repository.Artifacts, $"{name}.png") });

    /// <summary>By how many pixels the page is wider than the window.</summary>
    public Task<int> OverflowAsync() =>
        Page.EvaluateAsync<int>("() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth");

    public async ValueTask DisposeAsync() => await Page.Context.CloseAsync();
}
