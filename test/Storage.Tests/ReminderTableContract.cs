namespace VoiceCluster.Storage.Tests;

/// <summary>What every reminder table keeps; each database runs the same tests.</summary>
public abstract class ReminderTableContract
{
    private static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    /// <summary>The table under test, empty at the start of each test.</summary>
    protected abstract IReminderTable Table { get; }

    /// <summary>Ranges of the ring, as silos own them: the beginning is not theirs, the end is.</summary>
    [Fact]
    public async Task ReadRows_OfARange_TakesItsEndAndNotItsBeginning_AroundTheRingToo()
    {
        uint[] hashes = await FillAsync(64);
        var (low, high) = (hashes[20], hashes[40]);
        await AssertRangeAsync(low, high, hashes[21..41]);
        await AssertRangeAsync(high, low, [.. hashes[..21], .. hashes[41..]]);
        await AssertRangeAsync(low - 1, low, [low]);
        await AssertRangeAsync(low, low + 1, hashes[20] + 1 == hashes[21] ? [hashes[21]] : []);
        await AssertRangeAsync(low, low, hashes);
        await AssertRangeAsync(0, 0, hashes);
        await AssertRangeAsync(0, uint.MaxValue, hashes);
        await AssertRangeAsync(uint.MaxValue, 0, []);
        await AssertRangeAsync(uint.MaxValue, uint.MaxValue, hashes);
        await AssertRangeAsync(hashes[^1], hashes[0], [hashes[0]]);
        await AssertRangeAsync(hashes[^1] - 1, hashes[0], [hashes[0], hashes[^1]]);
    }

    [Fact]
    public async Task ReadRows_OfTheRangesOfManySilos_GiveEachReminderToOne()
    {
        uint[] hashes = await FillAsync(100);
        uint[] ring = [.. Enumerable.Range(1, 7).Select(i => (uint)i * 600_000_007u)];
        Array.Sort(ring);
        var read = new List<uint>();
        for (var i = 0; i < ring.Length; i++)
        {
            read.AddRange((await Table.ReadRows(ring[i], ring[(i + 1) % ring.Length])).Reminders.Select(r => r.GrainId.GetUniformHashCode()));
        }

        Assert.Equal(hashes, read.Order());
    }

    [Fact]
    public async Task ReadRows_OfAGrain_AreAllOfItsReminders()
    {
        var grain = GrainId.Create("call", "a");
        await Table.UpsertRow(Entry(grain, "ring"));
        await Table.UpsertRow(Entry(grain, "gone"));
        await Table.UpsertRow(Entry(GrainId.Create("call", "b"), "ring"));
        Assert.Equal(["gone", "ring"], (await Table.ReadRows(grain)).Reminders.Select(r => r.ReminderName).Order());
        Assert.Empty((await Table.ReadRows(GrainId.Create("call", "c"))).Reminders);
    }

    [Fact]
    public async Task Upsert_Twice_KeepsTheLastAndItsETagAlone()
    {
        var grain = GrainId.Create("call", "a");
        var first = await Table.UpsertRow(Entry(grain, "ring"));
        var later = Entry(grain, "ring");
        later.StartAt = Start.AddHours(1);
        later.Period = TimeSpan.FromHours(2);
        var second = await Table.UpsertRow(later);
        Assert.NotEqual(first, second);

        var read = (await Table.ReadRow(grain, "ring"))!;
        Assert.Equal((grain, "ring", Start.AddHours(1), TimeSpan.FromHours(2), second), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        Assert.Equal(DateTimeKind.Utc, read.StartAt.Kind);
        Assert.Single((await Table.ReadRows(0, 0)).Reminders);
    }

    [Fact]
    public async Task Remove_WithAnotherETag_IsRefused()
    {
        var grain = GrainId.Create("call", "a");
        var first = await Table.UpsertRow(Entry(grain, "ring"));
        var second = await Table.UpsertRow(Entry(grain, "ring"));
        foreach (var etag in (string[])[first, "", "none", "-1", "99999999999999999999"])
        {
            Assert.False(await Table.RemoveRow(grain, "ring", etag));
        }

        Assert.False(await Table.RemoveRow(grain, "other", second));
        Assert.True(await Table.RemoveRow(grain, "ring", second));
        Assert.False(await Table.RemoveRow(grain, "ring", second));
        Assert.Null(await Table.ReadRow(grain, "ring"));
    }

    [Fact]
    public async Task Removal_ByManyAtOnce_SucceedsOnce()
    {
        var grain = GrainId.Create("call", "a");
        var etag = await Table.UpsertRow(Entry(grain, "ring"));
        var removed = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Table.RemoveRow(grain, "ring", etag)));
        Assert.Single(removed, r => r);
    }

    [Fact]
    public async Task Clear_LeavesNothing()
    {
        await FillAsync(3);
        await Table.TestOnlyClearTable();
        Assert.Empty((await Table.ReadRows(0, 0)).Reminders);
    }

    private static ReminderEntry Entry(GrainId grain, string name) => new()
    {
        GrainId = grain,
        ReminderName = name,
        StartAt = Start,
        Period = TimeSpan.FromMinutes(1),
    };

    /// <summary>Makes reminders of that many grains; answers their hashes in order.</summary>
    private async Task<uint[]> FillAsync(int count)
    {
        GrainId[] grains = [.. Enumerable.Range(0, count).Select(i => GrainId.Create("call", $"{i}"))];
        foreach (var grain in grains)
        {
            await Table.UpsertRow(Entry(grain, "ring"));
        }

        return [.. grains.Select(g => g.GetUniformHashCode()).Order()];
    }

    private async Task AssertRangeAsync(uint begin, uint end, uint[] expected) => Assert.Equal(
        expected, (await Table.ReadRows(begin, end)).Reminders.Select(r => r.GrainId.GetUniformHashCode()).Order());
}
