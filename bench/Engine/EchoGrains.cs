namespace VoiceCluster.Bench.Engine;

/// <summary>A small message of 32 characters.</summary>
[GenerateSerializer, Immutable, Alias("bench.Echo")]
public sealed record Echo([property: Id(0)] string Text, [property: Id(1)] int Number);

public interface IEchoGrain : IGrainWithIntegerKey
{
    Task<Echo> EchoAsync(Echo echo);
}

/// <summary>Calls echo grains from inside the silo.</summary>
public interface ICallerGrain : IGrainWithIntegerKey
{
    /// <summary>Calls for so long and answers how many calls that were.</summary>
    [ResponseTimeout("00:05:00")]
    Task<long> RunAsync(int grains, TimeSpan time);
}

public sealed class EchoGrain : Grain, IEchoGrain
{
    public Task<Echo> EchoAsync(Echo echo) => Task.FromResult(echo);
}

public sealed class CallerGrain : Grain, ICallerGrain
{
    public Task<long> RunAsync(int grains, TimeSpan time) => CallLoop.RunAsync(GrainFactory, (int)this.GetPrimaryKeyLong(), grains, time);
}

/// <summary>Calls one grain after the other.</summary>
internal static class CallLoop
{
    public static async Task<long> RunAsync(IGrainFactory factory, int first, int grains, TimeSpan time)
    {
        var targets = Enumerable.Range(0, grains).Select(i => factory.GetGrain<IEchoGrain>(i)).ToArray();
        var echo = new Echo(new string('x', 32), 1);
        var end = Environment.TickCount64 + (long)time.TotalMilliseconds;
        long calls = 0;
        while (Environment.TickCount64 < end)
        {
            for (var i = 0; i < 64; i++)
            {
                await targets[(first + calls) % grains].EchoAsync(echo);
                calls++;
            }
        }

        return calls;
    }
}
