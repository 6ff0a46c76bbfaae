using System.Collections.Immutable;
using Orleans.Serialization;

namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>Keys, references, what is copied, what travels with a call, and how it fails.</summary>
public sealed class CallTests(SiloFixture silo) : IClassFixture<SiloFixture>
{
    private readonly string _key = Probe.NewKey();

    private ICallGrain Grain => silo.Client.GetGrain<ICallGrain>(_key);

    [Fact]
    public async Task Keys_OfEveryKind_ComeBackAsGiven()
    {
        var guid = Guid.NewGuid();
        Assert.Equal(guid, await silo.Client.GetGrain<IGuidGrain>(guid).GetKeyAsync());
        Assert.Equal(long.MinValue, await silo.Client.GetGrain<INumberGrain>(long.MinValue).GetKeyAsync());
        Assert.Equal(long.MaxValue, await silo.Client.GetGrain<INumberGrain>(long.MaxValue).GetKeyAsync());
        Assert.Equal($"{guid} a+b/ä", await silo.Client.GetGrain<IGuidTextGrain>(guid, "a+b/ä").GetKeyAsync());
        Assert.Equal("-7 x", await silo.Client.GetGrain<INumberTextGrain>(-7, "x").GetKeyAsync());
    }

    [Theory]
    [InlineData("a/b+c")]
    [InlineData("ä 漢 😀")]
    public void GrainId_AsText_ParsesBack(string key)
    {
        var id = silo.Client.GetGrain<ICallGrain>(key).GetGrainId();
        Assert.Equal(id, GrainId.Parse(id.ToString()));
        Assert.Equal(key, silo.Client.GetGrain<ICallGrain>(key).GetPrimaryKeyString());
    }

    [Fact]
    public async Task Interface_OfSeveralClasses_IsResolvedByPrefixOnly()
    {
        var round = silo.Client.GetGrain<IShape>(_key, typeof(RoundGrain).FullName);
        var square = silo.Client.GetGrain<IShape>(_key, typeof(SquareGrain).FullName);
        Assert.Equal(nameof(RoundGrain), await round.GetNameAsync());
        Assert.Equal(nameof(SquareGrain), await square.GetNameAsync());
        Assert.Equal("angular", square.GetGrainId().Type.ToString());
        Assert.Throws<ArgumentException>(() => silo.Client.GetGrain<IShape>(_key));
        Assert.Throws<ArgumentException>(() => silo.Client.GetGrain<IUnserved>(_key));
    }

    [Fact]
    public void References_OfOneGrain_AreEqual()
    {
        Assert.Equal((object)Grain, silo.Client.GetGrain<ICallGrain>(_key));
        Assert.Equal(Grain.GetHashCode(), silo.Client.GetGrain<ICallGrain>(_key).GetHashCode());
        Assert.NotEqual((object)Grain, silo.Client.GetGrain<ICallGrain>(Probe.NewKey()));
        Assert.Equal((object)Grain, silo.Client.GetGrain<ICallGrain>(Grain.GetGrainId()));
        Assert.Equal((object)Grain, silo.Client.GetGrain(typeof(ICallGrain), _key));
        Assert.Equal(7, silo.Client.GetGrain(typeof(INumberGrain), 7).GetPrimaryKeyLong());
    }

    [Fact]
    public async Task MutableArgumentsAndResults_AreCopied()
    {
        var sent = new Mutable { Numbers = [1] };
        sent.Self = sent;
        await Grain.KeepAsync(sent);
        sent.Numbers.Add(2);
        var first = await Grain.GetKeptAsync();
        Assert.Equal([1], first.Numbers);
        Assert.Same(first, first.Self);
        first.Numbers.Add(3);
        Assert.Equal([1], (await Grain.GetKeptAsync()).Numbers);
        int[] numbers = [1, 2];
        Assert.NotSame(numbers, await Grain.EchoAsync(numbers));
    }

    [Fact]
    public async Task ImmutableArguments_ArePassedAsTheyAre() =>
        Assert.True(await Grain.IsSameAsync(CallGrain.Known, CallGrain.Promised, [1, 2]));

    [Fact]
    public async Task UntypedArgument_IsCopiedByItsRuntimeTypeOrRefused()
    {
        var sent = new Dictionary<string, List<int>> { ["a"] = [1] };
        var back = Assert.IsType<Dictionary<string, List<int>>>(await Grain.PassAsync(sent));
        Assert.NotSame(sent["a"], back["a"]);
        Assert.Equal(5, await Grain.PassAsync(5));
        var error = await Assert.ThrowsAsync<CodecNotFoundException>(() => Grain.PassAsync(new Unmarked()));
        Assert.Contains(nameof(Unmarked), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grain_PassedByItself_ArrivesAsReference() =>
        Assert.Equal(Grain.GetGrainId(), await Grain.IdOfItselfAsync(Probe.NewKey()));

    [Fact]
    public async Task Exception_OfGrain_KeepsTypeMessageStackAndInner()
    {
        var error = await Assert.ThrowsAsync<KeyNotFoundException>(() => Grain.ThrowAsync("gone"));
        Assert.Equal("gone", error.Message);
        Assert.IsType<FormatException>(error.InnerException);
        Assert.Contains(nameof(CallGrain), error.StackTrace, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestContext_FlowsDownAndNotBackUp()
    {
        RequestContext.Set("trace", "t1");
        Assert.Equal("t1", await Grain.GetContextAsync("trace", Probe.NewKey()));
        Assert.Equal("t1", RequestContext.Get("trace"));
        Assert.True(RequestContext.Remove("trace"));
        Assert.Null(await Grain.GetContextAsync("trace", null));
    }

    [Fact]
    public async Task Filters_OnBothSides_SeeAndChangeTheCall()
    {
        var probe = Probe.Of(_key);
        await using var cluster = await TestSilo.StartAsync(builder => builder
            .AddOutgoingGrainCallFilter(async context =>
            {
                probe.Add($"out {context.MethodName}");
                RequestContext.Set("filter", "outgoing");
                await context.Invoke();
                probe.Add("out done");
            })
            .AddIncomingGrainCallFilter(async context =>
            {
                probe.Add($"in {context.ImplementationMethod.DeclaringType!.Name} {context.TargetId.Key} {RequestContext.Get("filter")}");
                context.Request.SetArgument(0, new[] { 7 });
                await context.Invoke();
                context.Result = ((int[])context.Result!).Append(8).ToArray();
            }));
        var echo = await cluster.Client.GetGrain<ICallGrain>(_key).EchoAsync([1]);
        Assert.Equal([7, 8], echo);
        Assert.Equal(["out EchoAsync", $"in CallGrain {_key} outgoing", "out done"], probe.Log);
    }

    [Fact]
    public async Task Call_AfterTheSiloStopped_ThrowsSiloUnavailable()
    {
        await using var cluster = await TestSilo.StartAsync(static _ => { });
        var grain = cluster.Client.GetGrain<ICallGrain>(_key);
        await grain.EchoAsync([]);
        await cluster.StopAllSilosAsync();
        await Assert.ThrowsAsync<SiloUnavailableException>(() => grain.EchoAsync([]));
    }
}
