namespace VoiceCluster.Engine.Tests.Timers;

public sealed class TimerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly ManualTime _time = new();
    private readonly string _key = Probe.NewKey();

    private Probe Probe => Probe.Of(_key);

    [Fact]
    public async Task Timer_TicksAtItsTimesAndSurvivesAFailure()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<ITimerGrain>(_key);
        await grain.StartAsync(Second, Second * 10, interleave: false, keepAlive: false);
        await grain.PingAsync();
        Assert.Equal(0, Probe.Count);
        for (var tick = 1; tick <= 4; tick++)
        {
            _time.Advance(tick == 1 ? Second : Second * 10);
            await Probe.CountsAsync(tick);
            await grain.PingAsync();
            Assert.Equal(tick, Probe.Count);
        }

        await grain.ChangeAsync(Second, Timeout.InfiniteTimeSpan);
        _time.Advance(Second);
        await Probe.CountsAsync(5);
        await grain.PingAsync();
        _time.Advance(Second * 100);
        await grain.PingAsync();
        Assert.Equal(5, Probe.Count);
    }

    [Theory]
    [InlineData(false, new[] { "holds", "released", "tick" })]
    [InlineData(true, new[] { "holds", "tick", "released" })]
    public async Task Timer_WhileARequestRuns_WaitsUnlessItInterleaves(bool interleave, string[] expected)
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<ITimerGrain>(_key);
        await grain.StartAsync(Second, Timeout.InfiniteTimeSpan, interleave, keepAlive: false);
        var hold = grain.HoldAsync();
        await Probe.SeesAsync("holds");
        _time.Advance(Second);
        if (interleave)
        {
            await Probe.SeesAsync("tick");
        }

        Probe.Open();
        await hold;
        await Probe.CountsAsync(1);
        Assert.Equal(expected, Probe.Log);
    }

    [Fact]
    public async Task Timer_DisposedOrOfAnEndedActivation_TicksNoMore()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<ITimerGrain>(_key);
        await grain.StartAsync(Second, Second, interleave: false, keepAlive: false);
        await grain.StopAsync();
        await grain.StartAsync(Second, Second, interleave: false, keepAlive: false);
        await grain.EndAsync();
        await Probe.SeesAsync($"ended {DeactivationReasonCode.ApplicationRequested}");
        _time.Advance(Second * 10);
        await grain.PingAsync();
        Assert.Equal(0, Probe.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task IdleCollection_OfAGrainWithATimer_DependsOnKeepAlive(bool keepAlive)
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<ITimerGrain>(_key);
        var minute = TimeSpan.FromMinutes(1);
        await grain.StartAsync(minute, minute, interleave: false, keepAlive);
        var ended = $"ended {DeactivationReasonCode.ActivationIdle}";
        await Eventually.HoldsAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(20));
                return Probe.Log.Contains(ended) || Probe.Count == 40;
            },
            "40 ticks, or the end");
        Assert.Equal(!keepAlive, Probe.Log.Contains(ended));
    }
}
