using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Sign-in and calls from page to page, through the page's DOM.</summary>
[Collection(ClusterGroup.Name)]
public sealed class CallPageTests(ClusterFixture cluster)
{
    private static readonly LocatorAssertionsToHaveTextOptions Patient = new() { Timeout = 20_000 };

    [Fact]
    public async Task Call_IsAccepted_BothHearEachOtherUntilOneHangsUp()
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await SignedInAsync(a);
        await using var bob = await SignedInAsync(b);

        await alice.CallAsync(b);
        await Expect(alice.Status).ToHaveTextAsync("Ringing…");
        await Expect(alice.Page.GetByRole(AriaRole.Heading, new() { Name = b, Level = 1 })).ToBeFocusedAsync();
        await Expect(bob.Ringing(a)).ToBeVisibleAsync();
        await Expect(bob.Button("Accept")).ToBeFocusedAsync();
        await bob.ScreenshotAsync("call-incoming");
        await bob.Page.Keyboard.PressAsync("Enter");

        await Expect(alice.Status).ToHaveTextAsync("In call", Patient);
        await Expect(bob.Status).ToHaveTextAsync("In call", Patient);
        await alice.HearsAsync();
        await bob.HearsAsync();
        await alice.ScreenshotAsync("call-active");

        await bob.Page.Keyboard.PressAsync("m");
        await Expect(bob.Button("Unmute")).ToBeVisibleAsync();
        await bob.Button("Hang up").ClickAsync();
        await Expect(Outcome(bob)).ToHaveTextAsync("Call ended.");
        await Expect(Outcome(alice)).ToHaveTextAsync($"{b} hung up.");
        await Expect(alice.Page.GetByRole(AriaRole.Log)).ToContainTextAsync($"{b} hung up.");
        await Expect(alice.Page.Locator("audio")).ToHaveCountAsync(0);
        Assert.Empty(alice.Errors);
        Assert.Empty(bob.Errors);
    }

    [Theory]
    [InlineData("Escape")]
    [InlineData("Decline")]
    public async Task Call_IsDeclined_CallerIsToldAndNothingRingsAnyMore(string how)
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await SignedInAsync(a);
        await using var bob = await SignedInAsync(b);
        await alice.CallAsync(b);
        await Expect(bob.Ringing(a)).ToBeVisibleAsync();

        await (how == "Escape" ? bob.Page.Keyboard.PressAsync("Escape") : bob.Button("Decline").ClickAsync());

        await Expect(Outcome(alice)).ToHaveTextAsync($"{b} declined.");
        await Expect(bob.Ringing(a)).ToBeHiddenAsync();
        await Expect(alice.Page.GetByLabel("Username to call")).ToHaveValueAsync(b);
        await Expect(alice.Page.GetByLabel("Username to call")).ToBeFocusedAsync();

        // The chat is known now, and a second call rings as well.
        await alice.Page.Keyboard.PressAsync("Enter");
        await Expect(bob.Ringing(a)).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Call_IsGivenUp_TheOthersDialogGoes()
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await SignedInAsync(a);
        await using var bob = await SignedInAsync(b);
        await alice.CallAsync(b);
        await Expect(bob.Ringing(a)).ToBeVisibleAsync();

        await alice.Button("Hang up").ClickAsync();

        await Expect(bob.Ringing(a)).ToBeHiddenAsync();
        await Expect(bob.Page.GetByText($"Missed call from {a}.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Call_IsNotAnswered_BothAreToldWhenTheRingTimeIsOver()
    {
        await using var server = await StandaloneServer.StartAsync("call-unanswered", settings: ["--Calls:RingTimeout=00:00:02"]);
        await using var alice = await RoomPage.OpenAsync(cluster, server: server);
        await using var bob = await RoomPage.OpenAsync(cluster, server: server);
        await alice.SignInAsync("alice");
        await bob.SignInAsync("bob");

        await alice.CallAsync("bob");

        await Expect(bob.Ringing("alice")).ToBeVisibleAsync();
        await Expect(Outcome(alice)).ToHaveTextAsync("bob did not answer.", Patient);
        await Expect(bob.Ringing("alice")).ToBeHiddenAsync();
        await Expect(bob.Page.GetByText("Missed call from alice.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Call_OfSomebodyInACall_IsBusy()
    {
        var (a, b, c) = (Name("alice"), Name("bob"), Name("carol"));
        await using var alice = await SignedInAsync(a);
        await using var bob = await SignedInAsync(b);
        await using var carol = await SignedInAsync(c);
        await alice.CallAsync(b);
        await bob.Button("Accept").ClickAsync();
        await Expect(bob.Status).ToHaveTextAsync("In call", Patient);

        await carol.CallAsync(b);

        await Expect(Outcome(carol)).ToHaveTextAsync($"{b} is in another call.");
        await Expect(bob.Status).ToHaveTextAsync("In call");
        await Expect(bob.Ringing(c)).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Call_IsAcceptedInOneOfTwoTabs_TheOtherStopsRinging()
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await SignedInAsync(a);
        await using var first = await SignedInAsync(b);
        await using var second = await SignedInAsync(b);
        await alice.CallAsync(b);
        await Expect(first.Ringing(a)).ToBeVisibleAsync();
        await Expect(second.Ringing(a)).ToBeVisibleAsync();

        await second.Button("Accept").ClickAsync();

        await Expect(second.Status).ToHaveTextAsync("In call", Patient);
        await Expect(first.Ringing(a)).ToBeHiddenAsync();
        await Expect(first.Page.GetByRole(AriaRole.Heading, new() { Name = "Join a room" })).ToBeVisibleAsync();
        await alice.HearsAsync();
    }

    [Fact]
    public async Task Call_IsAcceptedInARoom_LeavesTheRoomForTheCall()
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await SignedInAsync(a);
        await using var bob = await SignedInAsync(b);
        await using var eve = await RoomPage.OpenAsync(cluster);
        var room = Name("room");
        await eve.JoinAsync(room, "Eve");
        await bob.JoinAsync(room, b);
        await Expect(eve.People).ToHaveCountAsync(2);

        await alice.CallAsync(b);
        await Expect(bob.Ringing(a)).ToContainTextAsync("Accepting leaves the room.");
        await bob.Button("Accept").ClickAsync();

        await Expect(bob.Status).ToHaveTextAsync("In call", Patient);
        await Expect(eve.People).ToHaveCountAsync(1);
        await bob.HearsAsync();
        await alice.HearsAsync();
    }

    [Fact]
    public async Task Call_WithoutAMicrophone_ListensAllTheSame()
    {
        var (a, b) = (Name("alice"), Name("bob"));
        await using var alice = await RoomPage.OpenAsync(
            cluster, initScript: "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));");
        await alice.SignInAsync(a);
        await using var bob = await SignedInAsync(b);

        await alice.CallAsync(b);
        await bob.Button("Accept").ClickAsync();

        await Expect(alice.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("You can still listen.");
        await Expect(alice.Status).ToHaveTextAsync("In call", Patient);
        await Expect(alice.Button("Unmute")).ToBeVisibleAsync();
        await alice.HearsAsync();
    }

    [Fact]
    public async Task SignIn_SurvivesAReloadAndEndsBySigningOut()
    {
        var name = Name("alice");
        await using var page = await SignedInAsync(name);

        await page.Page.ReloadAsync();
        await Expect(page.Page.GetByText($"Signed in as {name}", new() { Exact = true }).First).ToBeVisibleAsync();
        await Expect(page.Button("Call")).ToBeEnabledAsync();

        await page.Button("Sign out").ClickAsync();
        await Expect(page.Button("Sign in")).ToBeVisibleAsync();
        await Expect(page.Button("Call")).ToHaveCountAsync(0);
        await page.Page.ReloadAsync();
        await Expect(page.Button("Sign in")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task SignIn_WithANameThatIsNone_SaysSo()
    {
        await using var page = await RoomPage.OpenAsync(cluster);

        await page.Page.GetByLabel("Username", new() { Exact = true }).FillAsync("not a name");
        await page.Button("Sign in").ClickAsync();

        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("A username has 1 to 64 letters");
        await Expect(page.Page.GetByLabel("Username", new() { Exact = true })).ToBeFocusedAsync();
    }

    [Fact]
    public async Task SignIn_WhereTheServerGivesNoTokens_SaysSo()
    {
        await using var server = await StandaloneServer.StartAsync("no-dev-tokens", settings: ["--Auth:DevTokens=false", "--Auth:Mode=Required"]);
        await using var page = await RoomPage.OpenAsync(cluster, server: server);

        await page.Page.GetByLabel("Username", new() { Exact = true }).FillAsync("alice");
        await page.Button("Sign in").ClickAsync();
        await Expect(page.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This server gives no tokens for a name.");

        await page.Page.GetByLabel("Room", new() { Exact = true }).FillAsync("team");
        await page.Page.GetByLabel("Your name").FillAsync("Alice");
        await page.Button("Join").ClickAsync();
        await Expect(page.Page.GetByText("This server asks who you are. Sign in first.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Rooms_OfARequiredServer_AreOpenToWhoIsSignedIn()
    {
        await using var server = await StandaloneServer.StartAsync("required", settings: ["--Auth:DevTokens=true", "--Auth:Mode=Required"]);
        await using var alice = await RoomPage.OpenAsync(cluster, server: server);
        await using var bob = await RoomPage.OpenAsync(cluster, server: server);
        await alice.SignInAsync("alice");
        await bob.SignInAsync("bob");

        await alice.JoinAsync("team", "Alice");
        await bob.JoinAsync("team", "Bob");

        await Expect(alice.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await Expect(bob.Person("Alice")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
    }

    [Theory]
    [InlineData(360, 640)]
    [InlineData(1024, 720)]
    public async Task Layout_OfCalls_HasNoHorizontalScroll(int width, int height)
    {
        var (a, b) = (Name("a-rather-long-name-of-a-person-who-calls"), Name("bob"));
        await using var bob = await RoomPage.OpenAsync(cluster, "/", width, height);
        await bob.SignInAsync(b);
        Assert.Equal(0, await bob.OverflowAsync());
        await bob.ScreenshotAsync($"home-{width}");
        await using var alice = await SignedInAsync(a);

        await alice.CallAsync(b);
        await Expect(bob.Ringing(a)).ToBeVisibleAsync();
        Assert.Equal(0, await bob.OverflowAsync());
        await Expect(bob.Button("Accept")).ToBeInViewportAsync();
        await Expect(bob.Button("Decline")).ToBeInViewportAsync();
        await bob.ScreenshotAsync($"incoming-{width}");

        await bob.Button("Accept").ClickAsync();
        await Expect(bob.Status).ToHaveTextAsync("In call", Patient);
        Assert.Equal(0, await bob.OverflowAsync());
        await Expect(bob.Button("Mute")).ToBeInViewportAsync();
        await Expect(bob.Button("Hang up")).ToBeInViewportAsync();
        await bob.ScreenshotAsync($"call-{width}");
    }

    [Fact]
    public async Task Controls_OfASignedInPage_HaveNamesAndOneHeadingOfLevelOne()
    {
        await using var page = await SignedInAsync(Name("alice"));

        var nameless = await page.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('button, input, select, a')].filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)");
        Assert.Empty(nameless);
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveCountAsync(1);
    }

    private static string Name(string person) => $"{person}-{Guid.NewGuid():N}"[..(person.Length + 7)];

    private static ILocator Outcome(RoomPage page) => page.Page.Locator(".outcome");

    private async Task<RoomPage> SignedInAsync(string name)
    {
        var page = await RoomPage.OpenAsync(cluster);
        await page.SignInAsync(name);
        return page;
    }
}
