using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;
using VoiceCluster.Clustering.PostgreSql;
using VoiceCluster.Clustering.Rows;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.Clustering.Tests.PostgreSql;

/// <summary>The contract, and what only a server can do: go away, be made anew, and be newer than we are.</summary>
public sealed class AdoNetMembershipTableTests(PostgresServer server) : MembershipTableContract, IClassFixture<PostgresServer>, IAsyncLifetime
{
    private readonly List<AdoNetMembershipTable> _opened = [];
    private string _connection = "";
    private AdoNetMembershipTable _table = null!;

    protected override IMembershipTable Table => _table;

    public async Task InitializeAsync()
    {
        _connection = (await server.CreateDatabaseAsync()).ConnectionString;
        _table = Open("cluster");
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
        var other = Open("other");
        Assert.True(await InsertAsync(Entry(1)));
        Assert.Empty((await other.ReadAll()).Members);
        Assert.True(await other.InsertRow(Entry(2), (await other.ReadAll()).Version.Next()));
        await other.DeleteMembershipTableEntries("other");
        Assert.Empty((await other.ReadAll()).Members);
        Assert.Single((await Table.ReadAll()).Members);
    }

    [Fact]
    public async Task Schema_MadeByManyAtOnce_IsMadeOnce()
    {
        IMembershipTable[] tables = [.. Enumerable.Range(0, 8).Select(_ => OpenAgain())];
        await Task.WhenAll(tables.Select(t => t.InitializeMembershipTable(true))).InTime();
        Assert.True(await InsertAsync(Entry(1)));
    }

    [Fact]
    public async Task Schema_OfANewerProgram_FailsClearly()
    {
        Assert.True(await InsertAsync(Entry(1)));
        await ExecuteAsync("UPDATE membership_schema_version SET version = 99");
        var error = await Assert.ThrowsAsync<MembershipTableException>(() => OpenAgain().ReadAll());
        Assert.Contains("schema version 99", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_OfVotesThatAreNone_FailsClearly()
    {
        Assert.True(await InsertAsync(Entry(1)));
        await ExecuteAsync("UPDATE membership SET suspects = '{'");
        await Assert.ThrowsAsync<MembershipTableException>(() => Table.ReadAll());
    }

    [Fact]
    public async Task Server_GoesAwayAndComesBack_FailsClearlyAndThenGoesOn()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var before = await Table.ReadAll();
        await server.StopAsync();
        try
        {
            var error = await Assert.ThrowsAsync<MembershipTableException>(() => Table.ReadAll().InTime());
            Assert.Contains("PostgreSQL", error.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<MembershipTableException>(async () => await Table.InsertRow(Entry(2), before.Version.Next()).InTime());
            await Assert.ThrowsAsync<MembershipTableException>(() => Table.UpdateIAmAlive(Entry(1)).InTime());
        }
        finally
        {
            await server.StartAsync();
        }

        var after = await Eventually.SucceedsAsync(() => Table.ReadAll());
        Assert.Equal((1, before.Version.VersionEtag), (after.Version.Version, after.Version.VersionEtag));
        Assert.True(await Table.InsertRow(Entry(2), after.Version.Next()));
    }

    [Fact]
    public Task Server_KilledUnderWriters_LosesNothingAcknowledged() => CrashSchedule.RunAsync(
        OpenAgain,
        async () =>
        {
            await server.StopAsync();
            await server.StartAsync();
        },
        crashes: 3);

    [Fact]
    public async Task Table_LockedByAnother_FailsClearlyWithinTheTimeout_ThenGoesOn()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var impatient = Open("cluster", ";Command Timeout=1");
        await impatient.ReadAll();
        await using (var holder = new NpgsqlConnection(_connection))
        {
            await holder.OpenAsync();
            await using var transaction = await holder.BeginTransactionAsync();
            await using var command = new NpgsqlCommand("LOCK TABLE membership", holder, transaction);
            await command.ExecuteNonQueryAsync();
            await Assert.ThrowsAsync<MembershipTableException>(() => impatient.ReadAll().InTime());
        }

        Assert.Single((await impatient.ReadAll()).Members);
    }

    [Fact]
    public void Open_WithoutLimits_SetsThem()
    {
        var set = MembershipDatabase.Limit("Host=h;Timeout=7");
        Assert.Equal((7, 5, 4), (set.Timeout, set.CommandTimeout, set.MaxPoolSize));
        Assert.Equal(9, MembershipDatabase.Limit("Host=h;CommandTimeout=9;Pooling=true").CommandTimeout);
        Assert.Equal(3, MembershipDatabase.Limit("Host=h;MaxPoolSize=3").MaxPoolSize);
    }

    protected override IMembershipTable OpenAgain() => Open("cluster");

    protected override Task LoseAsync() => ExecuteAsync("DROP TABLE membership, membership_version, membership_schema_version");

    private AdoNetMembershipTable Open(string cluster, string settings = "")
    {
        var table = new AdoNetMembershipTable(
            MembershipDatabase.Open(_connection + settings), Options.Create(new ClusterOptions { ServiceId = "service", ClusterId = cluster }));
        _opened.Add(table);
        return table;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connection);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
