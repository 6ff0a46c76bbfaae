using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Orleans.Clustering.Redis;
using Orleans.Configuration;
using VoiceCluster.Clustering.Redis;
using VoiceCluster.Clustering.Resp;
using VoiceCluster.Clustering.Rows;

namespace VoiceCluster.Clustering.Tests.Redis;

/// <summary>The contract, and what only a server can do: go away, forget, and hold what is not ours.</summary>
public sealed class RedisMembershipTableTests(RedisServer server) : MembershipTableContract, IClassFixture<RedisServer>, IAsyncLifetime
{
    private const string Key = "voicecluster:members:service/cluster";
    private readonly List<RedisMembershipTable> _opened = [];
    private RedisMembershipTable _table = null!;
    private RespClient _client = null!;

    protected override IMembershipTable Table => _table;

    public async Task InitializeAsync()
    {
        _client = server.Connect();
        await _client.ExecuteAsync(true, "FLUSHALL");
        _table = Open(_client, "cluster");
    }

    public async Task DisposeAsync()
    {
        foreach (var table in _opened)
        {
            await table.DisposeAsync();
        }
    }

    [Fact]
    public async Task Clusters_InOneDatabase_DoNotSeeEachOther()
    {
        var other = Open(server.Connect(), "other");
        Assert.True(await InsertAsync(Entry(1)));
        Assert.Empty((await other.ReadAll()).Members);
        Assert.True(await other.InsertRow(Entry(2), (await other.ReadAll()).Version.Next()));
        await other.DeleteMembershipTableEntries("other");
        Assert.Empty((await other.ReadAll()).Members);
        Assert.Single((await Table.ReadAll()).Members);
    }

    [Theory]
    [InlineData("SET", Key, "text")]
    [InlineData("HSET", Key, "version", "many")]
    [InlineData("HSET", Key, "row 127.0.0.1:1@1", "{}")]
    [InlineData("HSET", Key, "row nobody", "etag {}")]
    [InlineData("HSET", Key, "row 127.0.0.1:1@1", "etag {", "alive 127.0.0.1:1@1", "now")]
    [InlineData("HSET", Key, "row 127.0.0.1:1@1", "etag {}", "alive 127.0.0.1:1@1", "now")]
    [InlineData("HSET", Key, "row 127.0.0.1:1@1", "etag {\"SuspectTimes\":[{}]}")]
    public async Task Read_OfWhatIsNoTable_FailsClearly(params string[] command)
    {
        await _client.ExecuteAsync(false, command);
        await Assert.ThrowsAsync<MembershipTableException>(() => Table.ReadAll());
        await Assert.ThrowsAsync<MembershipTableException>(() => Table.InitializeMembershipTable(true));
    }

    [Fact]
    public async Task Rows_OfANewerBuild_AreRead()
    {
        await _client.ExecuteAsync(false, "HSET", Key, "version", "3 x", "row 127.0.0.1:1@1", """e {"Status":3,"NewMember":[1],"ProxyPort":5}""", "new", "1");
        var data = await Table.ReadAll();
        Assert.Equal((3, "x", "e"), (data.Version.Version, data.Version.VersionEtag, data.Members[0].Item2));
        Assert.Equal((SiloStatus.Active, 5), (data.Members[0].Item1.Status, data.Members[0].Item1.ProxyPort));
    }

    [Fact]
    public async Task Write_WhoseAnswerIsLost_IsAskedForAgainAndMadeOnce()
    {
        await using var proxy = new CuttingProxy(server.Address);
        var table = Open(server.Connect(_ => proxy.Address), "cluster");
        var version = (await table.ReadAll()).Version;
        proxy.Arm();
        Assert.True(await table.InsertRow(Entry(1), version.Next()).InTime());
        Assert.Equal(1, proxy.Cut);
        var inserted = await Table.ReadAll();
        Assert.Equal((1, 1), (inserted.Version.Version, inserted.Members.Count));

        proxy.Arm();
        Assert.True(await table.UpdateRow(Entry(1, SiloStatus.Active), inserted.Members[0].Item2, inserted.Version.Next()).InTime());
        Assert.Equal(2, (await Table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Server_Away_FailsClearlyWithinTheTimeout_ThenServesByItself()
    {
        var table = Open(server.Connect(options: o => o with { CommandTimeout = TimeSpan.FromMilliseconds(300) }), "cluster");
        Assert.True(await InsertAsync(Entry(1)));
        await Eventually.SucceedsAsync(() => table.ReadAll());
        server.Kill();
        var error = await Assert.ThrowsAsync<MembershipTableException>(() => table.ReadAll().InTime());
        Assert.Contains($"Redis at {server.Address}", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MembershipTableException>(async () => await table.InsertRow(Entry(2), new TableVersion(2, "x")).InTime());
        await Assert.ThrowsAsync<MembershipTableException>(() => table.UpdateIAmAlive(Entry(1)).InTime());
        await server.StartAsync();
        Assert.Empty((await Eventually.SucceedsAsync(() => table.ReadAll())).Members);
    }

    [Fact]
    public async Task Server_Silent_FailsClearlyWithinTheTimeout_ThenServesByItself()
    {
        var table = Open(server.Connect(options: o => o with { CommandTimeout = TimeSpan.FromMilliseconds(300) }), "cluster");
        Assert.True(await InsertAsync(Entry(1)));
        await Eventually.SucceedsAsync(() => table.ReadAll());
        await server.FreezeAsync();
        try
        {
            var error = await Assert.ThrowsAsync<MembershipTableException>(() => table.ReadAll().InTime());
            Assert.Contains("did not answer within 0.3 s", error.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<MembershipTableException>(() => table.ReadAll().InTime());
        }
        finally
        {
            await server.ThawAsync();
        }

        Assert.Single((await Eventually.SucceedsAsync(() => table.ReadAll())).Members);
    }

    [Fact]
    public async Task Server_RestartedWithPersistence_KeepsTheTable()
    {
        await using var durable = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        var table = Open(durable.Connect(), "cluster");
        Assert.True(await table.InsertRow(Entry(1), (await table.ReadAll()).Version.Next()));
        var before = await table.ReadAll();
        durable.Kill();
        await durable.StartAsync();
        var after = await Eventually.SucceedsAsync(() => table.ReadAll());
        Assert.Equal((1, before.Version.VersionEtag), (after.Version.Version, after.Version.VersionEtag));
        Assert.True(await table.UpdateRow(Entry(1, SiloStatus.Active), before.Members[0].Item2, before.Version.Next()));
    }

    [Fact]
    public async Task Server_KilledUnderWriters_LosesNothingAcknowledged()
    {
        await using var durable = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "always");
        await CrashSchedule.RunAsync(
            () => Open(durable.Connect(), "cluster"),
            () =>
            {
                durable.Kill();
                return durable.StartAsync();
            },
            crashes: 5);
    }

    [Fact]
    public async Task User_WithOnlyTheCommandsOfTheDocumentation_CanUseTheTable()
    {
        var line = (await File.ReadAllLinesAsync(Path.Combine(Root(), "docs/operations.md"))).Single(l => l.StartsWith("The user needs", StringComparison.Ordinal));
        string[] commands = [.. Regex.Matches(line, "`([A-Z|]+)`").Select(m => $"+{m.Groups[1].Value.ToLowerInvariant()}")];
        Assert.NotEmpty(commands);
        await using var guarded = await RedisServer.StartAsync(["--save", "", "--user", "silo", "on", ">secret", "~voicecluster:*", "-@all", .. commands]);
        var table = Open(guarded.Connect(a => a with { User = "silo", Password = "secret", Database = 1 }), "cluster");
        await table.InitializeMembershipTable(true);
        Assert.True(await table.InsertRow(Entry(1, SiloStatus.Dead), (await table.ReadAll()).Version.Next()));
        var row = await table.ReadRow(Silo(1));
        Assert.True(await table.UpdateRow(Entry(1, SiloStatus.Dead), row.Members[0].Item2, row.Version.Next()));
        await table.UpdateIAmAlive(Entry(1));
        await table.CleanupDefunctSiloEntries(DateTimeOffset.UtcNow.AddYears(1));
        Assert.Empty((await table.ReadAll()).Members);
        await table.DeleteMembershipTableEntries("cluster");
    }

    protected override IMembershipTable OpenAgain() => Open(server.Connect(), "cluster");

    protected override async Task LoseAsync()
    {
        server.Kill();
        await server.StartAsync();
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Orleans.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }

    private RedisMembershipTable Open(RespClient client, string cluster)
    {
        var table = new RedisMembershipTable(
            client, Options.Create(new RedisClusteringOptions()), Options.Create(new ClusterOptions { ServiceId = "service", ClusterId = cluster }));
        _opened.Add(table);
        return table;
    }
}
