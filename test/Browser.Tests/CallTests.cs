using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>Calls between browsers: peer to peer with the document's own client, and a group over the media node.</summary>
[Collection(ClusterGroup.Name)]
public sealed class CallTests(ClusterFixture cluster)
{
    [Fact]
    public async Task Call_TwoPagesWithTheDocumentsClient_RingTalkPeerToPeerAndEnd()
    {
        var alice = await ApiUser.SignInAsync(cluster.Server, "p2p-alice");
        var bob = await ApiUser.SignInAsync(cluster.Server, "p2p-bob");
        var chat = await alice.ChatAsync(bob);
        await using var a = await CallPage.OpenAsync(cluster, alice.Token, 440);
        await using var b = await CallPage.OpenAsync(cluster, bob.Token, 880);

        var call = await a.EvaluateAsync<JsonElement>(
            "async ([chat, user]) => { const call = await client.manager.initiateCall(chat, user, 'voice'); client.watch(call.id); return call; }",
            new[] { chat, bob.Id });
        var id = call.GetProperty("id").GetString()!;
        Assert.Equal("ringing", call.GetProperty("status").GetString());
        Assert.Equal(id, (await b.MessageAsync("call:initiate")).GetProperty("call_id").GetString());
        Assert.Equal("ringing", await bob.StateAsync(id));

        Assert.Equal(200, await b.EvaluateAsync<int>("(id) => client.accept(id)", id));
        Assert.Equal("accepted", (await a.MessageAsync("call:accepted")).GetProperty("status").GetString());
        Assert.Equal("active", (await a.MessageAsync("call:connected")).GetProperty("status").GetString());
        await b.MessageAsync("call:connected");
        Assert.Equal("active", await bob.StateAsync(id));

        await a.WaitAsync("(hz) => Math.abs(client.hears() - hz) <= 15", 880);
        await b.WaitAsync("(hz) => Math.abs(client.hears() - hz) <= 15", 440);
        foreach (var page in new[] { a, b })
        {
            var path = await page.EvaluateAsync<JsonElement>("() => client.path()");
            Assert.DoesNotContain(path.GetProperty("port").GetInt32(), Enumerable.Range(cluster.Server.FirstMediaPort, StandaloneServer.MediaPorts));
        }

        await b.EvaluateAsync<JsonElement?>("(id) => client.manager.hangup(id)", id);
        var ended = await a.MessageAsync("call:ended");
        Assert.Equal(("ended", "hung_up", bob.Id), (ended.GetProperty("status").GetString(), ended.GetProperty("end_reason").GetString(), ended.GetProperty("ended_by").GetString()));
        await a.WaitAsync("() => client.manager.pc === null");
        Assert.Equal("ended", await alice.StateAsync(id));
        foreach (var page in new[] { a, b })
        {
            Assert.Equal(0, await page.EvaluateAsync<int>("() => client.log.filter((m) => m.type === 'fault' || m.type === 'error').length"));
        }
    }

    [Fact]
    public async Task Group_ThreePagesWithAScreen_HearAndSeeEachOtherUntilTheCallEnds()
    {
        var alice = await ApiUser.SignInAsync(cluster.Server, "group-alice");
        var bob = await ApiUser.SignInAsync(cluster.Server, "group-bob");
        var carol = await ApiUser.SignInAsync(cluster.Server, "group-carol");
        var eve = await ApiUser.SignInAsync(cluster.Server, "group-eve");
        var chat = await alice.ChatAsync(bob, carol);
        var (status, call) = await alice.SendAsync(
            HttpMethod.Post,
            "/api/v1/calls",
            JsonSerializer.Serialize(new { chat_id = chat, recipient_ids = new[] { bob.Id, carol.Id }, call_type = "video" }));
        Assert.Equal(201, status);
        var id = call.GetProperty("id").GetString()!;
        var room = call.GetProperty("room").GetString()!;
        await using var page = await cluster.OpenHarnessAsync();

        // Who has not answered, who has no part in the call and who shows no token stay outside.
        var early = await Assert.ThrowsAsync<InvalidOperationException>(() => page.JoinAsync(room, token: bob.Token));
        Assert.Contains("CONFLICT", early.Message, StringComparison.Ordinal);
        await bob.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{id}", """{"accept":true}""");
        await carol.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{id}", """{"accept":true}""");
        var stranger = await Assert.ThrowsAsync<InvalidOperationException>(() => page.JoinAsync(room, token: eve.Token));
        Assert.Contains("FORBIDDEN", stranger.Message, StringComparison.Ordinal);
        var claimed = await Assert.ThrowsAsync<InvalidOperationException>(() => page.JoinAsync(room, user: bob.Id));
        Assert.Contains("UNAUTHENTICATED", claimed.Message, StringComparison.Ordinal);

        var a = await page.JoinAsync(room, 500, video: true, token: alice.Token, screenWidth: 320);
        var b = await page.JoinAsync(room, 800, token: bob.Token);
        var c = await page.JoinAsync(room, 1100, token: carol.Token);
        await page.AllHearAsync([a, b, c], [a, b, c]);
        await page.WaitAsync("videosPlay", [b.Key, new[] { 640, 320 }], b);
        await page.WaitAsync("videosPlay", [c.Key, new[] { 640, 320 }], c);

        // The end of the screen share leaves the camera.
        await a.CloseProducerAsync("screen");
        await page.WaitAsync("videosPlay", [b.Key, new[] { 640 }], b);

        // One leaves the call, and with it the room; the others go on.
        await carol.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{id}");
        await b.HearsExactlyAsync(500);
        Assert.Equal("Removed", Assert.Single(await c.EventsAsync("evicted")).GetProperty("reason").GetString());

        // The call ends, and its room with it.
        await alice.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{id}");
        await page.WaitAsync("hasEvent", [b.Key, "evicted"], b);
        Assert.Equal("RoomClosed", Assert.Single(await b.EventsAsync("evicted")).GetProperty("reason").GetString());
        var late = await Assert.ThrowsAsync<InvalidOperationException>(() => page.JoinAsync(room, token: bob.Token));
        Assert.Contains("GONE", late.Message, StringComparison.Ordinal);
    }
}
