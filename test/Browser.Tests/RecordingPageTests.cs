using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>A room with recording through the page: who records, who sees it, and the files.</summary>
[Collection(ClusterGroup.Name)]
public sealed class RecordingPageTests(ClusterFixture cluster)
{
    private const string IsRecorded = "This room is being recorded";

    [Fact]
    public async Task Room_WithRecording_ShowsItToAllAndGivesTheFiles()
    {
        await using var ann = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ann.SignInAsync($"rec-ann-{Guid.NewGuid():N}"[..16]);
        await ann.Button("Open a room with recording").ClickAsync();
        await Expect(ann.Status).ToHaveTextAsync("Connected");
        var room = new Uri(ann.Page.Url).Query["?room=".Length..];

        // Bob has the link and nothing else.
        await bob.Page.GotoAsync($"/?room={room}");
        await bob.JoinAsync(room, "Bob");
        await Expect(ann.People).ToHaveCountAsync(2);
        await Expect(bob.Button("Recordings")).ToBeVisibleAsync();
        await Expect(bob.Button("Record")).ToBeHiddenAsync();
        await Expect(ann.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });

        await ann.Page.Keyboard.PressAsync("r");
        await Expect(ann.Page.GetByText(IsRecorded)).ToBeVisibleAsync();
        await Expect(bob.Page.GetByText(IsRecorded)).ToBeVisibleAsync();
        await BeepsAsync(ann.Person("Bob"));
        await ann.ScreenshotAsync("room-recorded");
        await ann.Button("Stop recording").ClickAsync();
        await Expect(ann.Page.GetByText(IsRecorded)).ToBeHiddenAsync();
        await Expect(bob.Page.GetByText(IsRecorded)).ToBeHiddenAsync();

        await bob.Button("Recordings").ClickAsync();
        await Expect(bob.Page.GetByRole(AriaRole.Button, new() { Name = "Delete the recording" })).ToBeHiddenAsync();
        var mix = bob.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("Download .*mixed[.]ogg") });
        await Expect(mix).ToBeEnabledAsync(new() { Timeout = 20_000 });
        var content = await DownloadAsync(bob.Page, mix);
        Assert.Equal("OggS"u8, content.AsSpan(0, 4));
        await bob.ScreenshotAsync("recordings");
        Assert.Empty(ann.Errors);
    }

    /// <summary>The first part is cut off: the page asks for it again.</summary>
    [Fact]
    public async Task Download_WhosePartIsLost_AsksForItAgainByRange()
    {
        await using var ann = await RoomPage.OpenAsync(cluster);
        await ann.SignInAsync($"rec-eve-{Guid.NewGuid():N}"[..16]);
        await ann.Button("Open a room with recording").ClickAsync();
        await Expect(ann.Status).ToHaveTextAsync("Connected");
        await Expect(ann.People.First).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await ann.Button("Record").ClickAsync();
        await BeepsAsync(ann.People.First);
        await ann.Button("Stop recording").ClickAsync();
        await Expect(ann.Button("Record")).ToBeEnabledAsync();

        // Left, and from the first page: the browser remembers where one has been.
        await ann.Button("Leave").ClickAsync();
        await ann.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("Recordings of the room") }).ClickAsync();
        var mix = ann.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("Download .*mixed[.]ogg") });
        await Expect(mix).ToBeEnabledAsync(new() { Timeout = 20_000 });
        List<string> ranges = [];
        await ann.Page.RouteAsync("**/call/recordings/*/*/*mixed.ogg*", async route =>
        {
            ranges.Add(await route.Request.HeaderValueAsync("range") ?? "none");
            await (ranges.Count == 1 ? route.AbortAsync("connectionreset") : route.ContinueAsync());
        });

        var content = await DownloadAsync(ann.Page, mix);

        Assert.Equal("OggS"u8, content.AsSpan(0, 4));
        await DeletesAsync(ann, mix);
        Assert.Equal([$"bytes=0-{content.Length - 1}", $"bytes=0-{content.Length - 1}"], ranges);
    }

    /// <summary>Presses the button twice: asked whether it is meant, and says no, then yes. The recording is gone, and its files.</summary>
    private static async Task DeletesAsync(RoomPage host, ILocator file)
    {
        var delete = host.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("Delete the recording of") });
        List<string> questions = [];
        var url = "";
        host.Page.Dialog += (_, dialog) =>
        {
            questions.Add(dialog.Message);
            _ = questions.Count == 1 ? dialog.DismissAsync() : dialog.AcceptAsync();
        };
        host.Page.Response += (_, response) => url = response.Request.Method == "DELETE" ? response.Url : url;

        await delete.ClickAsync();
        await Expect(file).ToBeVisibleAsync();
        Assert.Empty(url);
        await delete.ClickAsync();

        await Expect(host.Page.GetByText("There are none yet.")).ToBeVisibleAsync();
        await Expect(file).ToHaveCountAsync(0);
        Assert.Equal(2, questions.Count);
        Assert.All(questions, q => Assert.Contains("Nobody can bring it back", q, StringComparison.Ordinal));
        var gone = await host.Page.Context.APIRequest.FetchAsync(url, new() { Method = "DELETE" });
        Assert.Equal(404, gone.Status);
    }

    /// <summary>Waits until somebody's fake microphone, which beeps once a second, has been heard to begin three times.</summary>
    private static Task BeepsAsync(ILocator person) => person.EvaluateAsync(
        """
        (tile) => new Promise((done) => {
          let [beeps, wasLoud] = [0, true];
          const timer = setInterval(() => {
            const isLoud = Number(tile.style.getPropertyValue('--level')) > 0;
            beeps += isLoud && !wasLoud ? 1 : 0;
            wasLoud = isLoud;
            if (beeps === 3) {
              clearInterval(timer);
              done();
            }
          }, 20);
        })
        """).WaitAsync(TimeSpan.FromSeconds(30));

    private static async Task<byte[]> DownloadAsync(IPage page, ILocator button)
    {
        var download = await page.RunAndWaitForDownloadAsync(() => button.ClickAsync());
        return await File.ReadAllBytesAsync(await download.PathAsync());
    }
}
