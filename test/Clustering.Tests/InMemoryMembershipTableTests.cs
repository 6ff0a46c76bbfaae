namespace VoiceCluster.Clustering.Tests;

public sealed class InMemoryMembershipTableTests : MembershipTableContract
{
    private readonly InMemoryMembershipTable _table = new();

    protected override IMembershipTable Table => _table;

    [Fact]
    public async Task Rows_ChangedByTheirReader_ChangeNothingInTheTable()
    {
        var written = Entry(1);
        Assert.True(await InsertAsync(written));
        written.Status = SiloStatus.Dead;
        (await Table.ReadAll()).Members[0].Item1.Status = SiloStatus.Dead;
        Assert.Equal(SiloStatus.Joining, (await Table.ReadRow(Silo(1))).Members[0].Item1.Status);
    }

    protected override IMembershipTable OpenAgain() => _table;

    protected override Task LoseAsync() => _table.DeleteMembershipTableEntries("cluster");
}
