namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>A small message.</summary>
[GenerateSerializer, Immutable, Alias("test.Small")]
public sealed record Small([property: Id(0)] string Text, [property: Id(1)] int Number);

public interface IHotGrain : IGrainWithIntegerKey
{
    Task<Small> EchoAsync(Small small);

    /// <summary>Calls another grain so often; the bytes that the process has allocated meanwhile, for each call.</summary>
    Task<double> MeasureAsync(long other, int count);

    /// <summary>Holds the thread until <see cref="OpenAsync"/> is called, of any grain.</summary>
    Task BlockAsync();

    Task OpenAsync();

    Task<string> RepeatAsync(string text, int times);
}

public sealed class HotGrain : Grain, IHotGrain
{
    public static readonly ManualResetEventSlim Gate = new();

    public Task<Small> EchoAsync(Small small) => Task.FromResult(small);

    public async Task<double> MeasureAsync(long other, int count)
    {
        var grain = GrainFactory.GetGrain<IHotGrain>(other);
        var small = new Small(new string('x', 32), 1);
        return await HotPathTests.MeasureAsync(() => grain.EchoAsync(small), count);
    }

    public Task BlockAsync()
    {
        Assert.True(Gate.Wait(TimeSpan.FromSeconds(20)));
        return Task.CompletedTask;
    }

    public Task OpenAsync()
    {
        Gate.Set();
        return Task.CompletedTask;
    }

    public Task<string> RepeatAsync(string text, int times) => Task.FromResult(string.Concat(Enumerable.Repeat(text, times)));
}
