using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Tests.Users;

/// <summary>Accounts, and members of private channels.</summary>
public sealed class AccountGrainTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    private IAccountGrain Account(Guid id) => cluster.Grains.GetGrain<IAccountGrain>(id);

    [Fact]
    public async Task Create_OfManyWithOneName_GivesItToOne()
    {
        var name = $"n{Guid.NewGuid():N}";
        Guid[] ids = [.. Enumerable.Range(0, 20).Select(_ => Guid.NewGuid())];

        var made = await Task.WhenAll(ids.Select(id => Account(id).CreateAsync(name)));

        var one = Assert.Single(made, m => m.Fault is null).Value!;
        Assert.All(made.Where(m => m.Fault is not null), m => Assert.Equal(FaultCode.Conflict, m.Fault!.Code));
        Assert.Equal(one, (await Account(one.Id).GetAsync()).Value);
        Assert.Equal(one, (await Account(one.Id).EnsureAsync(name)).Value);
        Assert.Equal(FaultCode.Conflict, (await Account(one.Id).CreateAsync(name)).Fault?.Code);
        Assert.Equal(FaultCode.NotFound, (await Account(ids.First(i => i != one.Id)).GetAsync()).Fault?.Code);
    }

    [Fact]
    public async Task Members_OfAPrivateChannel_ComeIn_AndStrangersDoNot()
    {
        var (owner, member, id) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var channel = cluster.Grains.GetGrain<IChannelGrain>(id);
        await channel.CreateAsync(new CreateChannel(owner, "ours", null, null, IsPrivate: true));

        Assert.Equal(FaultCode.Forbidden, (await channel.AddMemberAsync(member, member)).Fault?.Code);
        Assert.True((await channel.CheckAsync(member)).IsStranger);
        Assert.Null((await channel.AddMemberAsync(owner, member)).Fault);
        Assert.Null((await channel.AddMemberAsync(owner, member)).Fault);
        Assert.Equal([member], (await channel.GetMembersAsync()).Value!.Members);
        Assert.False((await channel.CheckAsync(member)).IsStranger);
        Assert.False((await channel.CheckAsync(owner)).IsStranger);

        Assert.Equal(FaultCode.Forbidden, (await channel.RemoveMemberAsync(Guid.NewGuid(), member)).Fault?.Code);
        Assert.Null((await channel.RemoveMemberAsync(member, member)).Fault);
        Assert.True((await channel.CheckAsync(member)).IsStranger);
        Assert.Null((await channel.UpdateAsync(owner, new UpdateChannel(null, null, null, IsPrivate: false))).Fault);
        Assert.False((await channel.CheckAsync(member)).IsStranger);
    }
}
