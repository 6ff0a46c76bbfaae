namespace VoiceCluster.Engine.Tests.Timers;

public sealed class ReminderTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly ManualTime _time = new();
    private readonly string _key = Probe.NewKey();

    private Probe Probe => Probe.Of(_key);

    [Fact]
    public async Task Reminder_OfACollectedGrain_ActivatesItAndTicksByItsPeriod()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<IReminderGrain>(_key);
        await grain.SetAsync("wake", Minute * 2, Minute * 5);
        await cluster.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
        _time.Advance(Minute * 2);
        await Probe.SeesAsync("wake 0");
        Assert.Equal(["activated", "activated", "wake 0"], Probe.Log);
        await Eventually.HoldsAsync(
            () =>
            {
                // The next tick is set once the grain has answered this one.
                _time.Advance(TimeSpan.FromSeconds(1));
                return Probe.Count == 2;
            },
            "the second tick");
    }

    [Fact]
    public async Task Reminder_SetAnewOrRemoved_FollowsTheLastWord()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var grain = cluster.Client.GetGrain<IReminderGrain>(_key);
        await grain.SetAsync("a", Minute, Minute);
        await grain.SetAsync("a", Minute * 10, Minute);
        await grain.SetAsync("b", Minute, Minute);
        Assert.Equal(["a", "b"], await grain.ListAsync());
        Assert.True(await grain.RemoveAsync("b"));
        Assert.False(await grain.RemoveAsync("b"));
        _time.Advance(Minute * 9);
        Assert.Equal(["a"], await grain.ListAsync());
        Assert.Equal(0, Probe.Count);
        _time.Advance(Minute);
        await Probe.SeesAsync("a 0");
    }

    [Fact]
    public async Task Reminder_WithTooShortAPeriod_IsRefused()
    {
        await using var cluster = await TestSilo.StartAsync(_time);
        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => cluster.Client.GetGrain<IReminderGrain>(_key).SetAsync("a", Minute, TimeSpan.FromSeconds(59)));
        Assert.Contains("MinimumReminderPeriod", error.Message, StringComparison.Ordinal);
    }
}
