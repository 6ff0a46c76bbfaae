using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Tests.Calls;

public sealed class HeldSignalsTests
{
    [Fact]
    public void TakeAll_AfterSignals_GivesThemOnceInOrder()
    {
        HeldSignals held = new(3, 100);
        Assert.True(held.TryAdd(Signal("1")));
        Assert.True(held.TryAdd(Signal("2")));

        Assert.Equal(["1", "2"], held.TakeAll().Select(s => s.PayloadJson));
        Assert.Empty(held.TakeAll());
    }

    [Fact]
    public void TryAdd_PastTheCount_IsRefused()
    {
        HeldSignals held = new(1, 100);

        Assert.True(held.TryAdd(Signal("1")));
        Assert.False(held.TryAdd(Signal("2")));
    }

    [Fact]
    public void TryAdd_PastTheCharacters_IsRefusedUntilTaken()
    {
        HeldSignals held = new(10, 3);
        Assert.True(held.TryAdd(Signal("123")));
        Assert.False(held.TryAdd(Signal("4")));

        held.TakeAll();

        Assert.True(held.TryAdd(Signal("4")));
    }

    private static SendCallSignal Signal(string payload) =>
        new(Guid.Empty, new CallOrigin("d:x", null), CallSignalKind.Candidate, payload);
}
