using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;

namespace VoiceCluster.Engine.Tests.Storage;

public sealed class StorageTests(SiloFixture silo) : IClassFixture<SiloFixture>
{
    private readonly string _key = Probe.NewKey();

    private ISavedGrain Grain => silo.Client.GetGrain<ISavedGrain>(_key);

    [Fact]
    public async Task State_Written_IsThereBeforeTheNextActivationStarts()
    {
        Assert.Equal((0, false), await Grain.GetAsync());
        await Grain.WriteAsync(5);
        Assert.Equal((5, true), await Grain.GetAsync());
        await Grain.EndAsync();
        Assert.Equal(5, await Grain.GetSeenAtActivationAsync());
        Assert.Equal(2, Probe.Of(_key).Count);
    }

    [Fact]
    public async Task State_Cleared_IsGone()
    {
        await Grain.WriteAsync(5);
        await Grain.ClearAsync();
        Assert.Equal((0, false), await Grain.GetAsync());
        await Grain.WriteAsync(6);
        await Grain.EndAsync();
        Assert.Equal((6, true), await Grain.GetAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task State_WrittenByAnother_ThrowsAndEndsTheActivation(bool caught)
    {
        await Grain.WriteAsync(1);
        var stored = await WriteBehindAsync(2);
        if (caught)
        {
            Assert.False(await Grain.TryWriteAsync(3));
        }
        else
        {
            var error = await Assert.ThrowsAsync<InconsistentStateException>(() => Grain.WriteAsync(3));
            Assert.Equal(stored, error.StoredEtag);
        }

        Assert.Equal((2, true), await Grain.GetAsync());
        Assert.Equal(2, Probe.Of(_key).Count);
        Assert.True(await Grain.TryWriteAsync(4));
    }

    [Fact]
    public async Task GrainOfState_KeepsItInTheDefaultStorage()
    {
        var grain = silo.Client.GetGrain<IOldStyleGrain>(_key);
        Assert.Equal(2, await grain.AddAsync(2, end: true));
        Assert.Equal(5, await grain.AddAsync(3, end: false));
    }

    [Fact]
    public async Task Storage_ThatIsNotConfigured_FailsTheCallByItsName()
    {
        var error = await Assert.ThrowsAsync<BadProviderConfigException>(() => silo.Client.GetGrain<IMisconfiguredGrain>(_key).PingAsync());
        Assert.Contains("absent", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Writes the grain's record as a second activation of it would.</summary>
    private async Task<string?> WriteBehindAsync(int number)
    {
        var storage = silo.Client.ServiceProvider.GetRequiredKeyedService<IGrainStorage>("store");
        var record = new GrainState<Saved>();
        await storage.ReadStateAsync("main", Grain.GetGrainId(), record);
        record.State.Number = number;
        await storage.WriteStateAsync("main", Grain.GetGrainId(), record);
        return record.ETag;
    }
}
