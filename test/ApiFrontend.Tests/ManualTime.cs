namespace VoiceCluster.ApiFrontend.Tests;

/// <summary>A clock that is moved on by hand; timers run on the real one.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _offsetTicks;

    public void Advance(TimeSpan by) => Interlocked.Add(ref _offsetTicks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _offsetTicks));
}
