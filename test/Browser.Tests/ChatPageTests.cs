using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Chats through the page: begun by one, answered and liked by the other.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ChatPageTests(ClusterFixture cluster)
{
    [Fact]
    public async Task Chat_BegunByOne_IsAnsweredAndLikedByTheOther()
    {
        var (ann, bob) = ($"chat-ann-{Guid.NewGuid():N}"[..16], $"chat-bob-{Guid.NewGuid():N}"[..16]);
        await using var first = await RoomPage.OpenAsync(cluster);
        await using var second = await RoomPage.OpenAsync(cluster);
        await first.SignInAsync(ann);
        await second.SignInAsync(bob);

        await first.Page.GetByLabel("Username to chat with").FillAsync(bob);
        await first.Page.Keyboard.PressAsync("Enter");
        await first.Page.GetByLabel("Message", new() { Exact = true }).FillAsync("Hello, Bob");
        await first.Page.Keyboard.PressAsync("Enter");
        await Expect(Messages(first)).ToContainTextAsync("Hello, Bob");

        await second.Button(ann).ClickAsync();
        await Expect(Messages(second)).ToContainTextAsync("Hello, Bob");
        await second.Button("Like: Hello, Bob").ClickAsync();
        await second.Page.GetByLabel("Message", new() { Exact = true }).FillAsync("Hello, Ann");
        await second.Page.Keyboard.PressAsync("Enter");

        await Expect(Messages(first)).ToContainTextAsync("Hello, Ann");
        await Expect(first.Button("Like: Hello, Bob")).ToHaveTextAsync("\ud83d\udc4d 1");
        await second.Button("Like: Hello, Bob").ClickAsync();
        await Expect(first.Button("Like: Hello, Bob")).ToHaveTextAsync("\ud83d\udc4d");
        Assert.Empty(first.Errors);
        Assert.Empty(second.Errors);
    }

    private static ILocator Messages(RoomPage page) => page.Page.GetByRole(AriaRole.List, new() { Name = "Messages" });
}
