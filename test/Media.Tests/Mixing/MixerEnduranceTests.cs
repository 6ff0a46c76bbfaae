using VoiceCluster.Media.Mixing;

namespace VoiceCluster.Media.Tests.Mixing;

/// <summary>What shows only after minutes.</summary>
public sealed class MixerEnduranceTests
{
    private const long Second = 1_000_000;
    private const int Minutes = 10;

    /// <summary>A sender whose clock is 100 ppm fast, and a network that loses 1 %: no gap, no drift, no frame too many or too few.</summary>
    [Fact]
    public void TenMinutes_WithLossAndAFastClock_HaveNoGapAndNoDrift()
    {
        const double Clock = 1.0001;
        using var simulation = new MixSimulation { Loss = 0.01 };
        var speaker = simulation.AddSpeaker("alice", Sound.Chord(300, 0.4), Clock);
        var listener = simulation.AddListener("dave");
        simulation.Run(5 * Second);
        List<double> delays = [];
        var (heard, said) = (0L, 0L);
        for (var minute = 0; minute < Minutes; minute++)
        {
            Forget(keep: 48_000);
            simulation.Run(60 * Second);
            AssertNoGap(listener.Heard, 0.4, minute);
            delays.Add(Delay());
        }

        Assert.All(listener.Timestamps.Zip(listener.Timestamps.Skip(1)), p => Assert.Equal(960, p.Second - p.First));
        Assert.InRange(listener.Timestamps.Count, ((Minutes * 60) + 4) * 50, ((Minutes * 60) + 5) * 50);
        Assert.True(delays.Max() - delays.Min() < 0.020, $"delays {string.Join(", ", delays.Select(d => $"{d * 1_000:F1} ms"))}");

        // Minutes of samples would be half a gigabyte.
        void Forget(int keep)
        {
            heard += listener.Heard.Count - keep;
            said += speaker.Said.Count - keep;
            listener.Heard.RemoveRange(0, listener.Heard.Count - keep);
            speaker.Said.RemoveRange(0, speaker.Said.Count - keep);
        }

        // Where in what was said the end of what was heard is: 100 ms of it, and what fits best.
        double Delay()
        {
            const int Length = 4_800;
            var at = listener.Heard.Count - Length;
            var (best, place) = (double.PositiveInfinity, 0);
            for (var i = speaker.Said.Count - 28_800; i + Length <= speaker.Said.Count; i += 4)
            {
                var error = 0d;
                for (var k = 0; k < Length; k += 4)
                {
                    error += Math.Pow(listener.Heard[at + k] - speaker.Said[i + k], 2);
                }

                (best, place) = error < best ? (error, i) : (best, place);
            }

            return ((heard + at) / 48_000d) - ((said + place) / 48_000d / Clock);
        }
    }

    [Fact]
    public void Silence_HoldsNoDecoder()
    {
        using var simulation = new MixSimulation();
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var mute = simulation.Mixer.AddSource("bob");
        simulation.AddListener("dave");
        simulation.Run(2 * Second);
        Assert.NotNull(speaker.Source.Voice);
        Assert.Null(mute.Voice);

        speaker.IsSilent = true;
        simulation.Run(3 * Second);
        Assert.Null(speaker.Source.Voice);
    }

    private static void AssertNoGap(List<float> heard, double loudness, int minute)
    {
        for (var i = 0; i + 480 <= heard.Count; i += 480)
        {
            var sum = 0d;
            for (var k = i; k < i + 480; k++)
            {
                sum += (double)heard[k] * heard[k];
            }

            Assert.True(Math.Sqrt(sum / 480) > loudness / 10, $"A gap at {minute} min {i / 48_000.0:F2} s: {Math.Sqrt(sum / 480):F4}");
        }
    }
}
