using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The page that shows the API, against the document of the real server.</summary>
[Collection(ClusterGroup.Name)]
public sealed class DocsPageTests(ClusterFixture cluster)
{
    [Fact]
    public async Task Document_OfTheServer_HasTheRoutesOfAllItsParts()
    {
        using var http = new HttpClient { BaseAddress = new Uri(cluster.Server.Url) };
        using var document = JsonDocument.Parse(await http.GetStringAsync("/openapi/v1.json"));
        var paths = document.RootElement.GetProperty("paths").EnumerateObject().Select(p => p.Name).ToArray();

        foreach (var path in new[] { "/api/v1/calls", "/health/ready", "/metrics", "/media", "/openapi/v1.json" })
        {
            Assert.Contains(path, paths);
        }
    }

    [Fact]
    public async Task Page_ByKeyboard_FindsAnOperationAndOpensIt()
    {
        await using var page = await RoomPage.OpenAsync(cluster, "/docs");
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("VoiceCluster API");

        await page.Page.GetByLabel("Find an operation").FocusAsync();
        await page.Page.Keyboard.TypeAsync("post calls");
        await Expect(page.Page.GetByText("1 operation", new() { Exact = true })).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Tab");
        await page.Page.Keyboard.PressAsync("Enter");

        await Expect(page.Page.GetByText("Needs a token.").Locator("visible=true")).ToBeVisibleAsync();
        await Expect(page.Page.GetByRole(AriaRole.Region, new() { Name = "Command for Call somebody out of a chat" })).ToContainTextAsync("curl -X POST");
        await page.ScreenshotAsync("docs-operation");
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task Page_WithALinkToAnOperation_OpensIt()
    {
        await using var page = await RoomPage.OpenAsync(cluster, "/docs/#answerCall");
        await Expect(page.Page.Locator("#answerCall")).ToHaveAttributeAsync("open", "");
    }

    [Theory]
    [InlineData(360)]
    [InlineData(1024)]
    public async Task Layout_WithEverythingOpen_HasNoHorizontalScroll(int width)
    {
        await using var page = await RoomPage.OpenAsync(cluster, "/docs/", width, 720);
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        await page.Page.EvaluateAsync("() => document.querySelectorAll('details').forEach(d => { d.open = true; })");

        Assert.Equal(0, await page.OverflowAsync());
        await page.ScreenshotAsync($"docs-{width}");
    }
}
