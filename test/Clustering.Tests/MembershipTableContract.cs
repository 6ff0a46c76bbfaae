using System.Net;

namespace VoiceCluster.Clustering.Tests;

/// <summary>What every membership table keeps; each store runs the same tests.</summary>
public abstract class MembershipTableContract
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc);

    /// <summary>The table under test, empty at the start of each test.</summary>
    protected abstract IMembershipTable Table { get; }

    /// <summary>Opens the same table as another process would.</summary>
    protected abstract IMembershipTable OpenAgain();

    /// <summary>Loses everything that the store holds.</summary>
    protected abstract Task LoseAsync();

    [Fact]
    public async Task ReadAll_OfANewTable_IsEmptyAtVersionZero()
    {
        await Table.InitializeMembershipTable(true);
        var data = await Table.ReadAll();
        Assert.Empty(data.Members);
        Assert.Equal(0, data.Version.Version);
    }

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    public async Task Insert_ThenRead_KeepsEveryMember(string address)
    {
        var entry = Entry(1);
        entry.SiloAddress = SiloAddress.New(new IPEndPoint(IPAddress.Parse(address), 11_111), -5);
        entry.SuspectTimes = [Tuple.Create(Silo(2), Start.AddMinutes(1)), Tuple.Create(Silo(3), Start.AddMinutes(2))];
        Assert.True(await InsertAsync(entry));

        var data = await OpenAgain().ReadAll();
        Assert.Equal(1, data.Version.Version);
        var read = Assert.Single(data.Members).Item1;
        Assert.Equal(entry.SiloAddress, read.SiloAddress);
        Assert.Equal(SiloStatus.Joining, read.Status);
        Assert.Equal(entry.SuspectTimes, read.SuspectTimes);
        Assert.Equal((30_001, "host-1", "silo-1", "role \"ü\"", 3, 4), (read.ProxyPort, read.HostName, read.SiloName, read.RoleName, read.UpdateZone, read.FaultZone));
        Assert.Equal((Start, Start.AddSeconds(1)), (read.StartTime, read.IAmAliveTime));
        Assert.Equal((DateTimeKind.Utc, DateTimeKind.Utc), (read.StartTime.Kind, read.IAmAliveTime.Kind));
    }

    [Fact]
    public async Task Insert_WithoutWhatMayBeAbsent_KeepsItAbsent()
    {
        Assert.True(await InsertAsync(new MembershipEntry { SiloAddress = Silo(1), StartTime = Start }));
        var read = (await Table.ReadRow(Silo(1))).Members[0].Item1;
        Assert.Equal((null, null, null), (read.HostName, read.SiloName, read.RoleName));
        Assert.Empty(read.SuspectTimes ?? []);
    }

    [Fact]
    public async Task Insert_OfAnExistingRow_IsRefusedAndChangesNothing()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var before = await Table.ReadAll();
        Assert.False(await InsertAsync(Entry(1, SiloStatus.Active)));
        await AssertUnchangedAsync(before);
    }

    [Fact]
    public async Task Insert_WithTheVersionOfAnEarlierRead_IsRefusedAndChangesNothing()
    {
        var earlier = (await Table.ReadAll()).Version;
        Assert.True(await InsertAsync(Entry(1)));
        var before = await Table.ReadAll();
        Assert.False(await Table.InsertRow(Entry(2), earlier.Next()));
        Assert.False(await Table.InsertRow(Entry(2), new TableVersion(2, earlier.VersionEtag)));
        await AssertUnchangedAsync(before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task Write_UnderAVersionNotAboveTheTables_IsRefused(int step)
    {
        Assert.True(await InsertAsync(Entry(1)));
        var before = await Table.ReadAll();
        var version = new TableVersion(before.Version.Version + step, before.Version.VersionEtag);
        Assert.False(await Table.InsertRow(Entry(2), version));
        Assert.False(await Table.UpdateRow(Entry(1, SiloStatus.Active), before.Members[0].Item2, version));
        await AssertUnchangedAsync(before);
    }

    [Fact]
    public async Task Update_WithCurrentETags_WritesRowAndVersion()
    {
        Assert.True(await InsertAsync(Entry(1)));
        Assert.True(await InsertAsync(Entry(2)));
        var before = await Table.ReadAll();
        Assert.True(await Table.UpdateRow(Entry(1, SiloStatus.Active), before.TryGet(Silo(1))!.Item2, before.Version.Next()));

        var after = await OpenAgain().ReadAll();
        Assert.Equal(3, after.Version.Version);
        Assert.NotEqual(before.Version.VersionEtag, after.Version.VersionEtag);
        Assert.Equal(SiloStatus.Active, after.TryGet(Silo(1))!.Item1.Status);
        Assert.NotEqual(before.TryGet(Silo(1))!.Item2, after.TryGet(Silo(1))!.Item2);
        Assert.Equal(SiloStatus.Joining, after.TryGet(Silo(2))!.Item1.Status);
        Assert.Equal(before.TryGet(Silo(2))!.Item2, after.TryGet(Silo(2))!.Item2);
    }

    [Fact]
    public async Task Update_WithAnotherETag_IsRefusedAndChangesNothing()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var earlier = await Table.ReadAll();
        Assert.True(await Table.UpdateRow(Entry(1, SiloStatus.Active), earlier.Members[0].Item2, earlier.Version.Next()));
        var before = await Table.ReadAll();

        Assert.False(await Table.UpdateRow(Entry(1, SiloStatus.Dead), earlier.Members[0].Item2, before.Version.Next()));
        Assert.False(await Table.UpdateRow(Entry(1, SiloStatus.Dead), before.Members[0].Item2, new TableVersion(3, earlier.Version.VersionEtag)));
        Assert.False(await Table.UpdateRow(Entry(1, SiloStatus.Dead), "", before.Version.Next()));
        Assert.False(await Table.UpdateRow(Entry(2, SiloStatus.Dead), before.Members[0].Item2, before.Version.Next()));
        await AssertUnchangedAsync(before);
    }

    [Fact]
    public async Task UpdateIAmAlive_WritesTheTimeAndNothingElse()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var before = await Table.ReadAll();
        var sign = Entry(1, SiloStatus.Dead);
        sign.IAmAliveTime = Start.AddHours(1);
        await Table.UpdateIAmAlive(sign);
        sign.IAmAliveTime = Start.AddMinutes(1);
        await Table.UpdateIAmAlive(sign);

        var after = await Table.ReadRow(Silo(1));
        Assert.Equal((1, before.Version.VersionEtag), (after.Version.Version, after.Version.VersionEtag));
        Assert.Equal(before.Members[0].Item2, after.Members[0].Item2);
        Assert.Equal((SiloStatus.Joining, Start.AddHours(1)), (after.Members[0].Item1.Status, after.Members[0].Item1.IAmAliveTime));
    }

    [Fact]
    public async Task Update_FromARowReadBeforeItsSiloSaidThatItLives_KeepsTheLaterTime()
    {
        Assert.True(await InsertAsync(Entry(1)));
        var read = await Table.ReadAll();
        var sign = Entry(1);
        sign.IAmAliveTime = Start.AddHours(1);
        await Table.UpdateIAmAlive(sign);

        var vote = read.Members[0].Item1;
        vote.SuspectTimes = [Tuple.Create(Silo(2), Start)];
        Assert.True(await Table.UpdateRow(vote, read.Members[0].Item2, read.Version.Next()));
        var after = (await Table.ReadAll()).Members[0].Item1;
        Assert.Equal(Start.AddHours(1), after.IAmAliveTime);
        Assert.Single(after.SuspectTimes!);
    }

    [Fact]
    public async Task UpdateIAmAlive_WithoutARow_Throws()
    {
        var error = await Assert.ThrowsAnyAsync<OrleansException>(() => Table.UpdateIAmAlive(Entry(1)));
        Assert.Contains("has no row", error.Message, StringComparison.Ordinal);
        Assert.Empty((await Table.ReadAll()).Members);
    }

    [Fact]
    public async Task ReadRow_IsThatRowAndTheTablesVersion()
    {
        Assert.True(await InsertAsync(Entry(1)));
        Assert.True(await InsertAsync(Entry(2)));
        var known = await Table.ReadRow(Silo(1));
        Assert.Equal((2, Silo(1)), (known.Version.Version, Assert.Single(known.Members).Item1.SiloAddress));
        var unknown = await Table.ReadRow(Silo(3));
        Assert.Equal((2, known.Version.VersionEtag, 0), (unknown.Version.Version, unknown.Version.VersionEtag, unknown.Members.Count));
    }

    [Fact]
    public async Task Writers_FromTheSameRead_ExactlyOneWins()
    {
        IMembershipTable[] tables = [.. Enumerable.Range(0, 4).Select(_ => OpenAgain())];
        for (var round = 1; round <= 10; round++)
        {
            var version = (await Table.ReadAll()).Version;
            var won = await Task.WhenAll(Enumerable.Range(0, 20).Select(w => tables[w % 4].InsertRow(Entry((100 * round) + w), version.Next()))).InTime();
            Assert.Single(won, w => w);
            var after = await Table.ReadAll();
            Assert.Equal((round, round), (after.Version.Version, after.Members.Count));
        }
    }

    [Fact]
    public async Task Writers_WhoTryUntilTheyWin_EachGetAVersionOfTheirOwn()
    {
        IMembershipTable[] tables = [.. Enumerable.Range(0, 4).Select(_ => OpenAgain())];
        var versions = await Task.WhenAll(Enumerable.Range(0, 20).Select(async w =>
        {
            var won = new List<int>();
            while (won.Count < 5)
            {
                var data = await tables[w % 4].ReadAll();
                var row = data.TryGet(Silo(w));
                if (row is null
                    ? await tables[w % 4].InsertRow(Entry(w), data.Version.Next())
                    : await tables[w % 4].UpdateRow(Entry(w, SiloStatus.Active), row.Item2, data.Version.Next()))
                {
                    won.Add(data.Version.Version + 1);
                }
            }

            return won;
        })).InTime();
        Assert.Equal(Enumerable.Range(1, 100), versions.SelectMany(v => v).Order());
        Assert.Equal(20, (await Table.ReadAll()).Members.Count(m => m.Item1.Status == SiloStatus.Active));
    }

    [Fact]
    public async Task CleanupDefunct_DeletesWhatIsNotActiveAndSilent()
    {
        var before = Start.AddDays(1);
        Assert.True(await InsertAsync(Entry(1, SiloStatus.Dead)));
        Assert.True(await InsertAsync(Entry(2, SiloStatus.Active)));
        Assert.True(await InsertAsync(Entry(3, SiloStatus.Joining)));
        var recent = Entry(4, SiloStatus.Dead);
        recent.IAmAliveTime = before.AddSeconds(1);
        Assert.True(await InsertAsync(recent));
        var newborn = Entry(5, SiloStatus.Joining);
        newborn.StartTime = before.AddSeconds(1);
        newborn.IAmAliveTime = default;
        Assert.True(await InsertAsync(newborn));
        Assert.True(await InsertAsync(Entry(6, SiloStatus.Dead)));
        var sign = Entry(6);
        sign.IAmAliveTime = before.AddSeconds(1);
        await Table.UpdateIAmAlive(sign);
        var version = (await Table.ReadAll()).Version;

        await Table.CleanupDefunctSiloEntries(new DateTimeOffset(before).ToOffset(TimeSpan.FromHours(2)));
        var after = await Table.ReadAll();
        Assert.Equal([Silo(2), Silo(4), Silo(5), Silo(6)], after.Members.Select(m => m.Item1.SiloAddress).Order());
        Assert.Equal((version.Version, version.VersionEtag), (after.Version.Version, after.Version.VersionEtag));
    }

    [Fact]
    public async Task LostTable_ReadsAsNew_AndHealsWithVersionsThatGrowOn()
    {
        Assert.True(await InsertAsync(Entry(1, SiloStatus.Active)));
        Assert.True(await InsertAsync(Entry(2, SiloStatus.Active)));
        var last = await Table.ReadAll();
        await LoseAsync();

        var lost = await Table.ReadAll();
        Assert.Equal((0, 0), (lost.Version.Version, lost.Members.Count));
        Assert.False(await Table.UpdateRow(Entry(1, SiloStatus.Dead), last.TryGet(Silo(1))!.Item2, last.Version.Next()));
        Assert.False(await Table.InsertRow(Entry(3), last.Version.Next()));
        await Assert.ThrowsAnyAsync<OrleansException>(() => Table.UpdateIAmAlive(Entry(1)));

        // Silo 1 finds its row gone and inserts it above the last version that it saw; silo 2 follows.
        Assert.True(await Table.InsertRow(Entry(1, SiloStatus.Active), new TableVersion(last.Version.Version + 1, lost.Version.VersionEtag)));
        Assert.True(await InsertAsync(Entry(2, SiloStatus.Active)));
        var healed = await OpenAgain().ReadAll();
        Assert.Equal((4, 2), (healed.Version.Version, healed.Members.Count));
        Assert.False(await Table.InsertRow(Entry(3), new TableVersion(5, last.Version.VersionEtag)));
    }

    [Fact]
    public async Task DeleteEntries_OfThisCluster_LeavesANewTable()
    {
        Assert.True(await InsertAsync(Entry(1)));
        await Table.DeleteMembershipTableEntries("cluster");
        var data = await Table.ReadAll();
        Assert.Equal((0, 0), (data.Version.Version, data.Members.Count));
        Assert.True(await InsertAsync(Entry(1)));
    }

    /// <summary>A silo by its number.</summary>
    protected static SiloAddress Silo(int number) => SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 11_000 + number), 7);

    /// <summary>A row by its number.</summary>
    protected static MembershipEntry Entry(int number, SiloStatus status = SiloStatus.Joining) => new()
    {
        SiloAddress = Silo(number),
        Status = status,
        ProxyPort = 30_000 + number,
        HostName = $"host-{number}",
        SiloName = $"silo-{number}",
        RoleName = "role \"ü\"",
        UpdateZone = 3,
        FaultZone = 4,
        StartTime = Start,
        IAmAliveTime = Start.AddSeconds(1),
    };

    /// <summary>Inserts under the next version.</summary>
    protected async Task<bool> InsertAsync(MembershipEntry entry) => await Table.InsertRow(entry, (await Table.ReadAll()).Version.Next());

    private async Task AssertUnchangedAsync(MembershipTableData before)
    {
        var after = await OpenAgain().ReadAll();
        Assert.Equal((before.Version.Version, before.Version.VersionEtag), (after.Version.Version, after.Version.VersionEtag));
        Assert.Equal(
            before.Members.Select(m => (m.Item1.SiloAddress, m.Item1.Status, m.Item2)).Order(),
            after.Members.Select(m => (m.Item1.SiloAddress, m.Item1.Status, m.Item2)).Order());
    }
}
