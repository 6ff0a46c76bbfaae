using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The page itself, through its DOM, with the browser's fake microphone and camera.</summary>
[Collection(ClusterGroup.Name)]
public sealed partial class PageTests(ClusterFixture cluster)
{
    private const string DenyMicrophone =
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));";

    [Fact]
    public async Task Join_TwoPeople_SeeEachOtherAndWhoSpeaks()
    {
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("page", "Ada Lovelace");
        await bob.JoinAsync("page", "Bob");

        await Expect(ada.People).ToHaveCountAsync(2);
        await Expect(ada.People.First).ToContainTextAsync("Ada Lovelace (you)");
        await Expect(bob.Person("Ada Lovelace")).ToBeVisibleAsync();
        await Expect(ada.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("Bob joined.");

        // The fake microphone beeps once a second.
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("style", LevelAboveZero(), new() { Timeout = 15_000 });
        await Expect(bob.Person("Bob")).ToHaveAttributeAsync("style", LevelAboveZero(), new() { Timeout = 15_000 });
        await ada.ScreenshotAsync("room-two-people");
        Assert.Empty(ada.Errors);
        Assert.Empty(bob.Errors);
    }

    [Fact]
    public async Task MuteKey_IsPressedTwice_OthersSeeMutedThenNot()
    {
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("keys", "Ada");
        await bob.JoinAsync("keys", "Bob");
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-muted", "false");

        await bob.Page.Keyboard.PressAsync("m");
        await Expect(bob.Button("Unmute")).ToBeVisibleAsync();
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-muted", "true");
        await Expect(ada.Person("Bob")).ToContainTextAsync("muted");

        await bob.Page.Keyboard.PressAsync("m");
        await Expect(bob.Button("Mute")).ToBeVisibleAsync();
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-muted", "false");
    }

    [Fact]
    public async Task CameraKey_IsPressedTwice_PictureComesAndGoesAtTheOtherSide()
    {
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("camera", "Ada");
        await bob.JoinAsync("camera", "Bob");
        await Expect(ada.People).ToHaveCountAsync(2);

        await bob.Page.Keyboard.PressAsync("v");
        var picture = ada.Page.GetByLabel("Camera of Bob");
        await Expect(picture).ToBeVisibleAsync(new() { Timeout = 15_000 });
        await ada.Page.WaitForFunctionAsync(
            "() => { const v = document.querySelector('video[aria-label=\"Camera of Bob\"]'); return v.videoWidth > 0 && v.currentTime > 0.5; }");
        await ada.ScreenshotAsync("room-camera");

        await bob.Button("Stop camera").ClickAsync();
        await Expect(picture).ToBeHiddenAsync();
        await Expect(bob.Button("Start camera")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Camera_ConnectionBreaksBeforeTheAnswer_PictureAndVoiceComeAllTheSame()
    {
        // The server has made the producer, but the page never hears of it: repeating the request would be a conflict.
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        var broken = false;
        await bob.Page.RouteWebSocketAsync("**/socket.io/**", socket =>
        {
            var server = socket.ConnectToServer();
            var answersAreLost = false;
            socket.OnMessage(frame =>
            {
                if (!broken && frame.Text is { } text && text.Contains("\"produce\"", StringComparison.Ordinal) && text.Contains("\"video\"", StringComparison.Ordinal))
                {
                    broken = answersAreLost = true;
                }

                server.Send(frame.Text!);
            });
            server.OnMessage(frame =>
            {
                if (!answersAreLost)
                {
                    socket.Send(frame.Text!);
                }
                else if (frame.Text!.StartsWith("43/voice,", StringComparison.Ordinal))
                {
                    _ = Task.WhenAll(socket.CloseAsync(), server.CloseAsync());
                }
            });
        });

        // Sockets are routed from the next load on.
        await bob.Page.ReloadAsync();
        await bob.JoinAsync("broken", "Bob");
        await ada.JoinAsync("broken", "Ada");
        await Expect(bob.Person("Ada")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });

        await bob.Page.Keyboard.PressAsync("v");

        await Expect(ada.Page.GetByLabel("Camera of Bob")).ToBeVisibleAsync(new() { Timeout = 15_000 });
        await ada.Page.WaitForFunctionAsync(
            "() => { const v = document.querySelector('video[aria-label=\"Camera of Bob\"]'); return v?.videoWidth > 0 && v.currentTime > 0.5; }");
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await Expect(bob.Person("Ada")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        Assert.True(broken);
    }

    [Fact]
    public async Task Leave_ByButtonAndByClosingTheTab_OthersSeeItAtOnce()
    {
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        var eve = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("leaving", "Ada");
        await bob.JoinAsync("leaving", "Bob");
        await eve.JoinAsync("leaving", "Eve");
        await Expect(ada.People).ToHaveCountAsync(3);

        await bob.Button("Leave").ClickAsync();
        await Expect(bob.Page.GetByRole(AriaRole.Heading, new() { Name = "Join a room" })).ToBeVisibleAsync();
        await Expect(bob.Page.GetByLabel("Room", new() { Exact = true })).ToHaveValueAsync("leaving");
        await Expect(ada.People).ToHaveCountAsync(2);

        await eve.Page.CloseAsync(new PageCloseOptions { RunBeforeUnload = true });
        await Expect(ada.People).ToHaveCountAsync(1);
        await Expect(ada.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("Eve left.");
        await eve.DisposeAsync();
    }

    [Fact]
    public async Task DeepLink_WithRoom_FillsTheFormAndFocusesTheName()
    {
        await using var page = await RoomPage.OpenAsync(cluster, "/?room=deep%20link");

        await Expect(page.Page.GetByLabel("Room", new() { Exact = true })).ToHaveValueAsync("deep link");
        await Expect(page.Page.GetByLabel("Your name")).ToBeFocusedAsync();
        await page.Page.Keyboard.TypeAsync("Ada");
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Name = "deep link" })).ToBeFocusedAsync();
        await Expect(page.Status).ToHaveTextAsync("Connected");
    }

    [Fact]
    public async Task Microphone_IsDenied_PageSaysSoAndStillListens()
    {
        await using var ada = await RoomPage.OpenAsync(cluster, initScript: DenyMicrophone);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("denied", "Ada");
        await bob.JoinAsync("denied", "Bob");

        await Expect(ada.Button("Unmute")).ToBeVisibleAsync();
        await Expect(ada.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This site may not use your microphone");
        await Expect(bob.Person("Ada")).ToHaveAttributeAsync("data-muted", "true");
        await Expect(ada.Page.Locator("audio")).ToHaveCountAsync(1);
        await ada.Page.WaitForFunctionAsync("() => document.querySelector('audio').currentTime > 0.5");
    }

    [Fact]
    public async Task Server_IsKilledAndStartedAgain_PagesSaySoAndJoinAgain()
    {
        await using var before = await StandaloneServer.StartAsync("server-killed");
        await using var ada = await RoomPage.OpenAsync(cluster, server: before);
        await using var bob = await RoomPage.OpenAsync(cluster, server: before);
        await ada.JoinAsync("restart", "Ada");
        await bob.JoinAsync("restart", "Bob");
        await Expect(ada.People).ToHaveCountAsync(2);

        await before.KillAsync();
        await Expect(ada.Status).ToHaveTextAsync("Connection lost. Reconnecting…", new() { Timeout = 30_000 });
        await Expect(bob.Status).ToHaveTextAsync("Connection lost. Reconnecting…", new() { Timeout = 30_000 });

        await using var after = await StandaloneServer.StartAsync("server-again", before.HttpPort);
        foreach (var (page, other) in new[] { (ada, "Bob"), (bob, "Ada") })
        {
            await Expect(page.Status).ToHaveTextAsync("Connected", new() { Timeout = 30_000 });
            await Expect(page.People).ToHaveCountAsync(2, new() { Timeout = 30_000 });
            await Expect(page.Person(other)).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        }
    }

    [Fact]
    public async Task Network_IsLostForAMoment_PageSaysSoAndVoicesGoOn()
    {
        // Chromium cuts the page's WebSockets and requests, and gives them back; media goes on.
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("offline", "Ada");
        await bob.JoinAsync("offline", "Bob");
        await Expect(ada.People).ToHaveCountAsync(2);

        var protocol = await bob.Page.Context.NewCDPSessionAsync(bob.Page);
        await protocol.SendAsync("Network.enable");
        await protocol.SendAsync("Network.emulateNetworkConditions", Network(offline: true));
        await bob.Page.EvaluateAsync("() => window.dispatchEvent(new Event('offline'))");
        await Expect(bob.Status).ToHaveTextAsync("Connection lost. Reconnecting…", new() { Timeout = 60_000 });
        await protocol.SendAsync("Network.emulateNetworkConditions", Network(offline: false));

        await Expect(bob.Status).ToHaveTextAsync("Connected", new() { Timeout = 30_000 });
        await Expect(ada.People).ToHaveCountAsync(2);
        await Expect(bob.People).ToHaveCountAsync(2);
        await Expect(bob.Person("Ada")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
    }

    [Theory]
    [InlineData("WebSocket", "send", 1)]
    [InlineData("RTCPeerConnection", "createOffer", 1)]
    [InlineData("WebSocket", "send", 2)]
    [InlineData("RTCPeerConnection", "setLocalDescription", 1)]
    [InlineData("WebSocket", "send", 3)]
    [InlineData("RTCPeerConnection", "setRemoteDescription", 1)]
    public async Task Connection_IsLostAtAStepOfSendingTheMicrophone_VoicesGoOn(string subject, string method, int call)
    {
        // The microphone opens late, when everything else is done; from then on the browser's calls are counted, and one of them loses the network.
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster, initScript: $$"""
            (() => {
              let calls = -1;
              const original = {{subject}}.prototype.{{method}};
              {{subject}}.prototype.{{method}} = function (...args) {
                if (calls >= 0 && ++calls === {{call}}) {
                  queueMicrotask(() => window.dispatchEvent(new Event('offline')));
                  window.hasLostNetwork = true;
                }
                return original.apply(this, args);
              };
              const devices = navigator.mediaDevices;
              const open = devices.getUserMedia.bind(devices);
              const hears = () => document.querySelector('audio')?.currentTime > 0;
              devices.getUserMedia = async (constraints) => {
                while (!hears()) {
                  await new Promise((done) => setTimeout(done, 20));
                }
                const stream = await open(constraints);
                calls = 0;
                return stream;
              };
            })();
            """);
        var room = $"lost-{method}-{call}";
        await ada.JoinAsync(room, "Ada");
        await bob.JoinAsync(room, "Bob");

        await bob.Page.WaitForFunctionAsync("() => window.hasLostNetwork");
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 30_000 });
        await Expect(bob.Person("Ada")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 30_000 });
        await Expect(bob.Status).ToHaveTextAsync("Connected");
    }

    [Theory]
    [InlineData(360, 640)]
    [InlineData(1024, 720)]
    public async Task Layout_AtThisWidth_HasNoHorizontalScroll(int width, int height)
    {
        await using var page = await RoomPage.OpenAsync(cluster, "/", width, height);
        Assert.Equal(0, await page.OverflowAsync());
        await page.ScreenshotAsync($"join-{width}");

        await page.JoinAsync("a-room-name-that-is-long-enough-to-overflow-on-a-phone-and-then-some", "A person whose name is longer than a tile");
        await Expect(page.People).ToHaveCountAsync(1);
        Assert.Equal(0, await page.OverflowAsync());
        await page.ScreenshotAsync($"room-{width}");
        foreach (var name in new[] { "Mute", "Start camera", "Devices", "Leave" })
        {
            await Expect(page.Button(name)).ToBeInViewportAsync();
        }
    }

    [Fact]
    public async Task Controls_ByTabAlone_AreReachedInOrderWithNamesAndLandmarks()
    {
        await using var page = await RoomPage.OpenAsync(cluster);
        await Expect(page.Page.GetByRole(AriaRole.Banner)).ToBeVisibleAsync();
        await Expect(page.Page.GetByRole(AriaRole.Main)).ToBeVisibleAsync();
        await Expect(page.Page.GetByLabel("Room", new() { Exact = true })).ToBeFocusedAsync();
        await page.JoinAsync("tabs", "Ada");

        foreach (var name in new[] { "Copy link", "Mute", "Start camera", "Devices", "Leave" })
        {
            await page.Page.Keyboard.PressAsync("Tab");
            await Expect(page.Button(name)).ToBeFocusedAsync();
        }

        await page.Button("Devices").ClickAsync();
        var dialog = page.Page.GetByRole(AriaRole.Dialog, new() { Name = "Devices" });
        await Expect(dialog).ToBeVisibleAsync();
        Assert.True(await dialog.GetByLabel("Microphone").Locator("option").CountAsync() > 0);
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToBeHiddenAsync();
        await Expect(page.Button("Devices")).ToBeFocusedAsync();

        // Every control has a name, every field a label, and headings start at one.
        var nameless = await page.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('button, input, select, video')].filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)");
        Assert.Empty(nameless);
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Devices_AnotherMicrophoneIsChosen_VoiceGoesOn()
    {
        await using var ada = await RoomPage.OpenAsync(cluster);
        await using var bob = await RoomPage.OpenAsync(cluster);
        await ada.JoinAsync("devices", "Ada");
        await bob.JoinAsync("devices", "Bob");
        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-muted", "false");

        await bob.Button("Devices").ClickAsync();
        var select = bob.Page.GetByLabel("Microphone", new() { Exact = true });
        var options = await select.Locator("option").EvaluateAllAsync<string[]>("options => options.map(o => o.value)");
        Assert.True(options.Length > 1, "Chromium's fake devices are several microphones");
        await select.SelectOptionAsync(options[^1]);
        await bob.Page.Keyboard.PressAsync("Escape");

        await Expect(ada.Person("Bob")).ToHaveAttributeAsync("data-speaking", "true", new() { Timeout = 15_000 });
        Assert.Empty(bob.Errors);
    }

    [GeneratedRegex("--level: ?(0\\.[0-9]*[1-9]|1)")]
    private static partial Regex LevelAboveZero();

    private static Dictionary<string, object> Network(bool offline) => new()
    {
        ["offline"] = offline,
        ["latency"] = 0,
        ["downloadThroughput"] = -1,
        ["uploadThroughput"] = -1,
    };
}
