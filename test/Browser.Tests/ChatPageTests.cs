using System.Net.Http.Json;
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

    /// <summary>Three in one chat, more messages than a page, other reactions than the first, and a page that is loaded again.</summary>
    [Fact]
    public async Task Chat_OfThree_HasEarlierMessagesReactionsAndIsThereAfterAReload()
    {
        string[] names = [.. new[] { "ann", "bob", "eve" }.Select(n => $"group-{n}-{Guid.NewGuid():N}"[..18])];
        await using var first = await RoomPage.OpenAsync(cluster);
        await using var second = await RoomPage.OpenAsync(cluster);
        await first.SignInAsync(names[0]);
        await second.SignInAsync(names[1]);
        await first.Page.GetByLabel("Username to chat with").FillAsync($"{names[1]}, {names[2]}");
        await first.Page.Keyboard.PressAsync("Enter");
        var chat = await first.Page.EvaluateAsync<string>(
            "() => new Promise((done) => { const look = () => { const key = Object.keys(localStorage).find((k) => k.startsWith('voicecluster.chats.')); "
            + "if (key) done(JSON.parse(localStorage.getItem(key))[0].id); else setTimeout(look, 50); }; look(); })");
        using HttpClient http = new() { BaseAddress = new Uri(cluster.Server.Url) };
        for (var i = 1; i <= 130; i++)
        {
            using var sent = await http.PostAsJsonAsync("/chat/message", new { sessionId = chat, senderId = names[2], message = $"Message {i}." });
            Assert.True(sent.IsSuccessStatusCode, await sent.Content.ReadAsStringAsync());
        }

        await second.Page.ReloadAsync();
        await second.Button($"{names[0]}, {names[2]}").ClickAsync();
        await Expect(Messages(second).GetByRole(AriaRole.Listitem)).ToHaveCountAsync(100);
        await Expect(Messages(second)).ToContainTextAsync("Message 130.");
        await second.Button("Earlier messages").ClickAsync();
        await Expect(Messages(second).GetByRole(AriaRole.Listitem)).ToHaveCountAsync(130);
        await Expect(second.Button("Earlier messages")).ToBeHiddenAsync();

        var last = Messages(second).GetByRole(AriaRole.Listitem).Last;
        await last.GetByLabel("React to: Message 130.").ClickAsync();
        await last.GetByRole(AriaRole.Button, new() { Name = "Celebrate: Message 130." }).ClickAsync();
        var party = first.Button("Celebrate: Message 130.");
        await Expect(party).ToHaveTextAsync("\ud83c\udf89 1");
        await Expect(party).ToHaveAttributeAsync("title", names[1]);
        await party.ClickAsync();
        await Expect(second.Button("Celebrate: Message 130.")).ToHaveTextAsync("\ud83c\udf89 2");
        Assert.Empty(first.Errors);
        Assert.Empty(second.Errors);
    }

    private static ILocator Messages(RoomPage page) => page.Page.GetByRole(AriaRole.List, new() { Name = "Messages" });
}
