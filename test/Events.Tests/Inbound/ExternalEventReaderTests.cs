using System.Text;
using VoiceCluster.Events.Tests.Nats;
using VoiceCluster.Events.Tests.Outbox;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Events.Tests.Inbound;

public sealed class ExternalEventReaderTests : IAsyncLifetime
{
    private static readonly Guid User = Guid.Parse("6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11");

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-events-").FullName;
    private SqliteDatabase _database = null!;
    private NatsServerProcess _nats = null!;

    public async Task InitializeAsync()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "events.db"));
        _nats = await NatsServerProcess.StartNewAsync();
    }

    public async Task DisposeAsync()
    {
        await _nats.DisposeAsync();
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Messages_ToSeveralSilos_AreObeyedByExactlyOne()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        await using var third = await StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        for (var i = 0; i < 100; i++)
        {
            await peer.PublishAsync("channel.deleted", $$"""{"channel_id":"c{{i}}"}""");
        }

        var all = () => first.Cluster.Told.Concat(second.Cluster.Told).Concat(third.Cluster.Told);
        await Eventually.TrueAsync(() => all().Count() >= 100, "all are obeyed");
        Assert.Equal("ok", await AnswerAsync(peer, "channel.deleted", """{"channel_id":"last"}"""));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"deleted c{i}").Append("deleted last").Order(), all().Order());
    }

    [Theory]
    [InlineData("channel.deleted", """{"channel_id":"c1"}""", "deleted c1")]
    [InlineData("channel.deleted", """{"id":"x","type":"channel.deleted","data":{"channel_id":"c1","more":[1]}}""", "deleted c1")]
    [InlineData("user.banned", """{"user_id":"6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11"}""", "banned 6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11 from everywhere")]
    [InlineData("user.banned", """{"user_id":"6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11","channel_id":null}""", "banned 6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11 from everywhere")]
    [InlineData("user.banned", """{"user_id":"6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11","channel_id":"c2"}""", "banned 6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11 from c2")]
    public async Task Message_WellFormed_IsObeyed(string subject, string json, string told)
    {
        await using var bridge = await StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        Assert.Equal("ok", await AnswerAsync(peer, subject, json));
        Assert.Equal("ok", await AnswerAsync(peer, subject, json));
        Assert.Equal([told, told], bridge.Cluster.Told);
    }

    [Fact]
    public async Task Messages_Malformed_AreCountedAndTheNextIsObeyed()
    {
        await using var bridge = await StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        byte[][] malformed =
        [
            [], "null"u8.ToArray(), "[]"u8.ToArray(), "\"c1\""u8.ToArray(), "{}"u8.ToArray(), "{"u8.ToArray(), [0xFF, 0xFE, 0x00],
            "{\"data\":7,\"channel_id\":\"c1\",\"user_id\":\"u\"}"u8.ToArray(),
            "{\"channel_id\":7,\"user_id\":7}"u8.ToArray(), "{\"channel_id\":\"\",\"user_id\":\"\"}"u8.ToArray(),
            "{\"channel_id\":\"\\ud800\",\"user_id\":\"\\ud800\"}"u8.ToArray(),
            [.. "{\"channel_id\":\""u8, 0xC3, 0x28, .. "\"}"u8],
            Encoding.UTF8.GetBytes($"{{\"channel_id\":\"{new string('c', 257)}\"}}"),
            Encoding.UTF8.GetBytes(new string('[', 10_000)),
            Encoding.UTF8.GetBytes($"{{\"channel_id\":\"c1\",\"more\":\"{new string('x', 100_000)}\"}}"),
        ];
        foreach (var payload in malformed)
        {
            await peer.PublishAsync("channel.deleted", payload);
            await peer.PublishAsync("user.banned", payload);
        }

        Assert.Equal("channel_id is missing.", await AnswerAsync(peer, "channel.deleted", "{}"));
        Assert.Equal("user_id must be a UUID.", await AnswerAsync(peer, "user.banned", """{"user_id":"bob"}"""));
        Assert.Equal("ok", await AnswerAsync(peer, "channel.deleted", """{"channel_id":"good"}"""));
        Assert.Equal(["deleted good"], bridge.Cluster.Told);
        Assert.Contains("outcome=\"malformed\",subject=\"user.banned\"", bridge.Metrics.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_TheClusterDoesNotAnswerAtFirst_IsTriedAgain()
    {
        await using var bridge = await StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        bridge.Cluster.RefuseNext(2);
        Assert.Equal("ok", await AnswerAsync(peer, "user.banned", $$"""{"user_id":"{{User}}"}"""));
        Assert.Single(bridge.Cluster.Told);
    }

    [Fact]
    public async Task Message_TheClusterNeverAnswers_IsGivenUpAndTheSenderIsTold()
    {
        await using var bridge = await StartAsync();
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        bridge.Cluster.RefuseNext(5);
        Assert.Contains("Try again", await AnswerAsync(peer, "user.banned", $$"""{"user_id":"{{User}}"}"""), StringComparison.Ordinal);
        Assert.Equal("ok", await AnswerAsync(peer, "user.banned", $$"""{"user_id":"{{User}}"}"""));
    }

    [Fact]
    public async Task Subscriptions_AfterTheServerWasLost_AreRenewed()
    {
        await using var bridge = await StartAsync();
        await _nats.KillAsync();
        await _nats.StartAsync();
        await Eventually.TrueAsync(() => bridge.Readiness.Check().Reason is null, "the bridge is back");
        await using var peer = await NatsPeer.ConnectAsync(_nats.Port);
        await Eventually.TrueAsync(
            async () =>
            {
                await peer.PublishAsync("channel.deleted", """{"channel_id":"c1"}""");
                return !bridge.Cluster.Told.IsEmpty;
            },
            "a message is obeyed");
    }

    private static async Task<string> AnswerAsync(NatsPeer peer, string subject, string json)
    {
        var answer = await peer.RequestAsync(subject, json);
        return answer.TryGetProperty("ok", out var ok) && ok.GetBoolean() ? "ok" : answer.GetProperty("error").GetString()!;
    }

    private async Task<Bridge> StartAsync()
    {
        var bridge = await Bridge.StartAsync(_nats.Url, new SqliteStateStore(_database));
        await bridge.IsUpAsync();
        return bridge;
    }
}
