using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Voice channels through the page: made by one, joined by both.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ChannelPageTests(ClusterFixture cluster)
{
    [Fact]
    public async Task Channel_IsMadeByOneAndJoinedByBoth_TheyHearEachOther()
    {
        var name = $"channel {Guid.NewGuid():N}"[..14];
        await using var alice = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await alice.SignInAsync("channel-alice");
        await bob.SignInAsync("channel-bob");

        await alice.Page.GetByLabel("New channel").FillAsync(name);
        await alice.Page.Keyboard.PressAsync("Enter");
        await Expect(alice.Button($"Join {name}")).ToBeFocusedAsync();
        await alice.ScreenshotAsync("channels");
        await alice.Page.Keyboard.PressAsync("Enter");
        await Expect(alice.Page.GetByRole(AriaRole.Heading, new() { Name = name, Level = 1 })).ToBeFocusedAsync();
        await Expect(alice.Status).ToHaveTextAsync("Connected");

        await bob.Button("Refresh channels").ClickAsync();
        await bob.Button($"Join {name}").ClickAsync();
        await Expect(bob.Status).ToHaveTextAsync("Connected");

        await Expect(alice.Person("channel-bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await Expect(bob.Person("channel-alice")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await bob.Button("Leave").ClickAsync();
        await Expect(bob.Button($"Join {name}")).ToBeVisibleAsync();
        Assert.Empty(alice.Errors);
        Assert.Empty(bob.Errors);
    }

    [Fact]
    public async Task Channel_WithANameThatIsTooLong_IsRefusedInWords()
    {
        await using var page = await RoomPage.OpenAsync(cluster);
        await page.SignInAsync("channel-carol");
        await page.Page.EvaluateAsync("() => document.getElementById('channel').removeAttribute('maxlength')");

        await page.Page.GetByLabel("New channel").FillAsync(new string('x', 5_000));
        await page.Button("Create channel").ClickAsync();

        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("name");
    }
}
