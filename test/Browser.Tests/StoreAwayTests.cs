using System.Diagnostics;
using System.Text.Json;
using VoiceCluster.Storage.Tests;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// PostgreSQL away in the middle of calls: killed, or hung. Running calls and media go on, changes are refused or wait, and
/// when it is back everything goes on by itself from what was stored, without loss and without repetition.
/// </summary>
[Collection(ClusterGroup.Name)]
public sealed class StoreAwayTests(ClusterFixture cluster, PostgresServer postgres, ITestOutputHelper output) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    // VOICECLUSTER_OUTAGE_SECONDS makes it a minute.
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(
        int.TryParse(Environment.GetEnvironmentVariable("VOICECLUSTER_OUTAGE_SECONDS"), out var seconds) ? seconds : 6);

    [Theory]
    [InlineData("killed")]
    [InlineData("hung")]
    public async Task Calls_StoreIsAway_RunningOnesGoOnAndChangesAreRefusedUntilItIsBack(string how)
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await StandaloneServer.StartAsync(
            $"store-{how}",
            settings: [$"--DATABASE_URL={database}", "--Events:Keep=true", "--Calls:RingTimeout=00:00:10"]);
        var alice = await ApiUser.SignInAsync(server, "alice");
        var bob = await ApiUser.SignInAsync(server, "bob");
        var carol = await ApiUser.SignInAsync(server, "carol");
        var dave = await ApiUser.SignInAsync(server, "dave");
        using var a = await CallSignals.ConnectAsync(server, alice);
        using var b = await CallSignals.ConnectAsync(server, bob);
        var running = await StartAsync(alice, await alice.ChatAsync(bob), bob);
        Assert.Equal(200, (await bob.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{running}", """{"accept":true}""")).Status);
        var chat = await carol.ChatAsync(dave);
        var ringing = await StartAsync(carol, chat, dave);
        await using var page = await cluster.OpenHarnessAsync(server);
        var ada = await page.JoinAsync("talk", 500);
        var bea = await page.JoinAsync("talk", 800);
        await page.AllHearAsync([ada, bea], [ada, bea]);

        await (how == "killed" ? postgres.StopAsync() : postgres.PauseAsync());
        var since = Stopwatch.GetTimestamp();
        try
        {
            // Media and signals go on, also for somebody who comes now.
            await a.SendAsync(running, "candidate", """{"n":1}""");
            Assert.Equal("""{"n":1}""", (await b.NextAsync("call:webrtc:candidate")).GetProperty("candidate").GetRawText());
            var late = await page.JoinAsync("talk", 1100);
            await page.AllHearAsync([ada, bea, late], [ada, bea, late]);

            // Changes fail, within the time that clients wait.
            var refused = Stopwatch.GetTimestamp();
            var (status, body) = await alice.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{running}");
            output.WriteLine($"{how}: a hangup was refused after {Stopwatch.GetElapsedTime(refused).TotalSeconds:F1} s");
            Assert.Equal((503, "UNAVAILABLE"), (status, body.GetProperty("error").GetProperty("code").GetString()));
            Assert.Equal(503, (await carol.SendAsync(HttpMethod.Post, "/api/v1/chats", JsonSerializer.Serialize(new { member_ids = new[] { bob.Id } }))).Status);
            Assert.Equal("accepted", await bob.StateAsync(running));
            await Task.Delay(TimeSpan.FromTicks(Math.Max(0, (Outage - Stopwatch.GetElapsedTime(since)).Ticks)));
            await a.SendAsync(running, "candidate", """{"n":2}""");
            Assert.Equal("""{"n":2}""", (await b.NextAsync("call:webrtc:candidate")).GetProperty("candidate").GetRawText());
            await page.AllHearAsync([ada, bea, late], [ada, bea, late]);
        }
        finally
        {
            await (how == "killed" ? postgres.StartAsync() : postgres.ResumeAsync());
        }

        output.WriteLine($"{how}: away for {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s");

        // By itself: the ring time that passed meanwhile ends the one call, and the other can be ended now.
        await EventuallyAsync(async () => await HistoryStateAsync(carol, chat, ringing) == "missed");
        await EventuallyAsync(async () => (await alice.SendAsync(HttpMethod.Delete, $"/api/v1/calls/{running}")).Status == 200);
        Assert.Equal("ended", await bob.StateAsync(running));
        Assert.Equal("call:ended", (await b.NextAsync()).GetProperty("type").GetString());

        // Each change was told to the world once.
        var events = await postgres.QueryAsync(
            database, "SELECT key || ' ' || subject FROM outbox WHERE subject LIKE 'call.%' ORDER BY position");
        Assert.Equal(
            [$"{running} call.ringing", $"{running} call.accepted", $"{running} call.ended"], events.Where(e => e.StartsWith(running, StringComparison.Ordinal)));
        Assert.Equal([$"{ringing} call.ringing", $"{ringing} call.missed"], events.Where(e => e.StartsWith(ringing, StringComparison.Ordinal)));

        // Nobody is held busy, and the next call rings.
        await StartAsync(alice, await alice.ChatAsync(carol), carol);
    }

    private static async Task<string> StartAsync(ApiUser caller, string chat, ApiUser recipient)
    {
        var (status, call) = await caller.SendAsync(
            HttpMethod.Post, "/api/v1/calls", JsonSerializer.Serialize(new { chat_id = chat, recipient_id = recipient.Id, call_type = "voice" }));
        Assert.Equal((201, "ringing"), (status, call.GetProperty("status").GetString()));
        return call.GetProperty("id").GetString()!;
    }

    /// <summary>The state in the chat's history, which is read from the store and wakes no call.</summary>
    private static async Task<string?> HistoryStateAsync(ApiUser member, string chat, string call)
    {
        var (status, page) = await member.SendAsync(HttpMethod.Get, $"/api/v1/calls?chat_id={chat}");
        return status != 200 ? null : page.GetProperty("calls").EnumerateArray()
            .Where(c => c.GetProperty("id").GetString() == call).Select(c => c.GetProperty("status").GetString()).SingleOrDefault();
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource deadline = new(Deadline);
        while (!await condition())
        {
            await Task.Delay(100, deadline.Token);
        }
    }
}
