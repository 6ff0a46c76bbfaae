using Concentus;
using Concentus.Enums;
using VoiceCluster.Media.Mixing;

namespace VoiceCluster.Media.Tests.Mixing;

public sealed class MixerTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void ThreeSpeakers_AreHeardAsTheirSum()
    {
        using var simulation = new MixSimulation();
        var speakers = AddThree(simulation);
        var listener = simulation.AddListener("dave");

        simulation.Run(4 * Second);

        var snr = Sound.SignalToNoise(Sound.Sum([.. speakers.Select(s => s.Said)]), [.. listener.Heard]);
        Assert.True(snr > 20, $"SNR {snr:F1} dB");
    }

    [Fact]
    public void Speaker_HearsTheOthersAndNotItself()
    {
        using var simulation = new MixSimulation();
        var speakers = AddThree(simulation);
        var alice = simulation.AddListener("alice");

        simulation.Run(4 * Second);

        var snr = Sound.SignalToNoise(Sound.Sum(speakers[1].Said, speakers[2].Said), [.. alice.Heard]);
        Assert.True(snr > 20, $"SNR {snr:F1} dB");
    }

    [Fact]
    public void OnlySpeaker_HearsSilence()
    {
        using var simulation = new MixSimulation();
        simulation.AddSpeaker("alice", Sound.Tone(440, 0.5));
        var alice = simulation.AddListener("alice");

        simulation.Run(2 * Second);

        Assert.NotEmpty(alice.Heard);
        Assert.True(alice.Heard.Max(Math.Abs) < 0.001, $"Peak {alice.Heard.Max(Math.Abs)}");
    }

    [Fact]
    public void FullScaleSpeakers_AreLimitedAndNotClipped()
    {
        using var simulation = new MixSimulation();
        foreach (var owner in (string[])["alice", "bob", "carol"])
        {
            simulation.AddSpeaker(owner, Sound.Tone(440, 1));
        }

        var listener = simulation.AddListener("dave");
        simulation.Run(3 * Second);

        Assert.True(listener.Heard.Max(Math.Abs) <= 1, $"Peak {listener.Heard.Max(Math.Abs)}");
        Assert.InRange(Sound.Rms(listener.Heard.Skip(48_000)), 0.5, 0.75);

        // A limited sine is a quieter sine: what is not the tone is far below it.
        var settled = listener.Heard.Skip(48_000).Take(48_000).ToArray();
        Assert.True(ToneShare(settled, 440) > 0.999, $"Tone {ToneShare(settled, 440)}");
    }

    [Fact]
    public void OnePercentLoss_LeavesNoGap()
    {
        using var simulation = new MixSimulation { Loss = 0.01 };
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");

        simulation.Run(20 * Second);

        Assert.True(speaker.Source.ConcealedSamples > 0);
        AssertNoGap(listener, 0.5 / Math.Sqrt(2));
    }

    [Fact]
    public void LostPackets_OfASenderWithRedundancy_AreRecoveredFromTheNext()
    {
        var without = LossySpeech(redundancy: false);
        var with = LossySpeech(redundancy: true);
        Assert.True(with > without + 2, $"{with:F1} dB with, {without:F1} dB without");

        // How near speech with a tenth of its packets lost comes to the same speech without loss.
        static double LossySpeech(bool redundancy) => Sound.SignalToNoise(Hear(redundancy, 0), Hear(redundancy, 0.1));

        static float[] Hear(bool redundancy, double loss)
        {
            using var simulation = new MixSimulation { Loss = loss };
            var encoder = OpusCodecFactory.CreateEncoder(MixSimulation.Rate, 1, OpusApplication.OPUS_APPLICATION_VOIP);
            encoder.Bitrate = 32_000;
            encoder.SignalType = OpusSignal.OPUS_SIGNAL_VOICE;
            encoder.UseInbandFEC = redundancy;
            encoder.PacketLossPercent = redundancy ? 20 : 0;
            simulation.AddSpeaker("alice", Sound.Speech(140, 0.4), encoder: encoder);
            var listener = simulation.AddListener("dave");
            simulation.Run(10 * Second);
            return [.. listener.Heard];
        }
    }

    [Theory]
    [InlineData(1.001)]
    [InlineData(0.999)]
    public void ClockDrift_IsFollowedWithoutGapsOrGrowingDelay(double clock)
    {
        using var simulation = new MixSimulation();
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5), clock);
        var listener = simulation.AddListener("dave");

        // A thousandth of 100 s is 100 ms: far more than the buffer holds without following.
        simulation.Run(100 * Second);

        AssertNoGap(listener, 0.5 / Math.Sqrt(2));
        Assert.Equal(0, speaker.Source.LatePackets);
        Assert.True(speaker.Source.ConcealedSamples <= 10 * 960, $"{speaker.Source.ConcealedSamples} concealed");
    }

    [Fact]
    public void Jitter_IsWaitedFor()
    {
        using var simulation = new MixSimulation { Jitter = 60_000 };
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");

        simulation.Run(5 * Second);
        var before = speaker.Source.ConcealedSamples;
        listener.Heard.Clear();
        simulation.Run(20 * Second);

        AssertNoGap(listener, 0.5 / Math.Sqrt(2), skip: 0);
        var concealed = (speaker.Source.ConcealedSamples - before) / 960.0;
        Assert.True(concealed <= 20, $"{concealed} of 1,000 frames concealed");
    }

    [Fact]
    public void Silence_SendsNothingAndBeginsAgainWithItsTime()
    {
        using var simulation = new MixSimulation();
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");
        simulation.Run(Second);
        speaker.IsSilent = true;
        simulation.Run(Second);
        var frames = listener.Packets.Count;
        simulation.Run(2 * Second);
        Assert.Equal(frames, listener.Packets.Count);

        speaker.IsSilent = false;
        simulation.Run(Second);

        Assert.Equal([0, frames], listener.Begins.Index().Where(b => b.Item).Select(b => b.Index));
        Assert.InRange(listener.Timestamps[frames] - listener.Timestamps[frames - 1], 48_000 * 2, 48_000 * 4);
    }

    [Fact]
    public void FillsSilence_GivesAFrameEvery20Milliseconds()
    {
        using var simulation = new MixSimulation(new MixerOptions { FillsSilence = true });
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");
        simulation.Run(Second);
        speaker.IsSilent = true;
        simulation.Run(2 * Second);

        Assert.InRange(listener.Packets.Count, 149, 151);
        Assert.True(Sound.Rms(listener.Heard.TakeLast(24_000)) < 0.001);
        Assert.All(listener.Timestamps.Zip(listener.Timestamps.Skip(1)), p => Assert.Equal(960, p.Second - p.First));
    }

    [Fact]
    public void SilentListeners_ShareOneEncoding()
    {
        using var simulation = new MixSimulation();
        AddThree(simulation);
        var dave = simulation.AddListener("dave");
        var erin = simulation.AddListener("erin");
        var alice = simulation.AddListener("alice");
        simulation.Run(2 * Second);

        Assert.Equal(dave.Packets, erin.Packets);
        Assert.NotEqual(dave.Packets[^1], alice.Packets[^1]);
    }

    [Fact]
    public void Deafened_GetsNothing()
    {
        using var simulation = new MixSimulation();
        simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");
        simulation.Run(Second);
        listener.IsListening = false;
        var frames = listener.Packets.Count;
        simulation.Run(Second);
        Assert.Equal(frames, listener.Packets.Count);
    }

    [Fact]
    public void Silenced_Source_IsNotHeardAMomentLonger()
    {
        using var simulation = new MixSimulation();
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");
        simulation.Run(Second);
        speaker.IsSilent = true;
        speaker.Source.Silence();
        var before = listener.Heard.Count;
        simulation.Run(19_000);
        listener.Heard.RemoveRange(before, Math.Min(960, listener.Heard.Count - before));
        simulation.Run(Second);

        // The last frame's end is in the codec's overlap with the next.
        Assert.True(Sound.Rms(listener.Heard.Skip(before)) < 0.01);
    }

    [Fact]
    public void MoreThanMaxVoices_OnlyTheLoudestAreMixed()
    {
        using var simulation = new MixSimulation(new MixerOptions { MaxVoices = 2 });
        var speakers = AddThree(simulation);
        (speakers[0].Source.Level, speakers[1].Source.Level, speakers[2].Source.Level) = (20, 60, 30);
        var listener = simulation.AddListener("dave");
        simulation.Run(4 * Second);

        var snr = Sound.SignalToNoise(Sound.Sum(speakers[0].Said, speakers[2].Said), [.. listener.Heard]);
        Assert.True(snr > 20, $"SNR {snr:F1} dB");
    }

    [Fact]
    public void Garbage_IsRefusedAndHarmsNothing()
    {
        using var simulation = new MixSimulation();
        var speaker = simulation.AddSpeaker("alice", Sound.Tone(330, 0.5));
        var listener = simulation.AddListener("dave");
        var random = new Random(3);
        var bytes = new byte[200];
        for (var i = 0; i < 200; i++)
        {
            random.NextBytes(bytes);
            speaker.Source.Push(random.NextInt64(1, 1L << 40), (uint)random.Next(), bytes.AsSpan(0, random.Next(200)), simulation.Now);
            simulation.Run(5_000);
        }

        Assert.All(listener.Heard, s => Assert.True(float.IsFinite(s)));
    }

    [Fact]
    public void Frames_AfterWarmUp_AllocateNothing()
    {
        using var mixer = new Mixer();
        var packets = new List<byte[]>();
        using (var encoder = OpusCodecFactory.CreateEncoder(48_000, 1))
        {
            var frame = new float[960];
            for (var i = 0; i < 50; i++)
            {
                for (var s = 0; s < 960; s++)
                {
                    frame[s] = (float)Math.Sin(((i * 960) + s) * 0.05) * 0.3f;
                }

                var buffer = new byte[1_500];
                packets.Add(buffer[..encoder.Encode(frame, 960, buffer, buffer.Length)]);
            }
        }

        var sources = Enumerable.Range(0, 5).Select(i => mixer.AddSource($"s{i}")).ToArray();
        var sinks = Enumerable.Range(0, 5).Select(i => new CountingSink()).ToArray();
        for (var i = 0; i < sinks.Length; i++)
        {
            // Three listen only, two speak as well.
            mixer.AddListener($"s{i + 3}", sinks[i]);
        }

        var now = 1_000_000L;
        var index = 0;
        Run(200);
        var frames = sinks[0].Frames;
        var before = Allocations.Begin();
        Run(1_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(1_000, sinks[0].Frames - frames);
        Assert.Equal(0, allocated);

        void Run(int count)
        {
            for (var i = 0; i < count; i++, index++)
            {
                now += 20_000;

                // One in a hundred is lost, so that concealment runs as well.
                for (var s = 0; s < sources.Length && index % 100 != 99; s++)
                {
                    sources[s].Push(index, (uint)(index * 960), packets[index % packets.Count], now);
                }

                mixer.Advance(now);
            }
        }
    }

    private static TestSpeaker[] AddThree(MixSimulation simulation) =>
    [
        simulation.AddSpeaker("alice", Sound.Chord(220, 0.25)),
        simulation.AddSpeaker("bob", Sound.Chord(330, 0.25)),
        simulation.AddSpeaker("carol", Sound.Chord(470, 0.25)),
    ];

    private static void AssertNoGap(TestListener listener, double loudness, int skip = 4_800)
    {
        Assert.True(listener.Heard.Count > 48_000);
        var heard = listener.Heard.Skip(skip).ToArray();
        for (var i = 0; i + 480 <= heard.Length; i += 480)
        {
            var rms = Sound.Rms(heard[i..(i + 480)]);
            Assert.True(rms > loudness / 4, $"{rms:F3} at {i / 48_000.0:F2} s");
        }
    }

    // The power that a tone of this pitch explains.
    private static double ToneShare(float[] samples, double pitch)
    {
        double sine = 0, cosine = 0, power = 0;
        for (var i = 0; i < samples.Length; i++)
        {
            var phase = 2 * Math.PI * pitch * i / MixSimulation.Rate;
            sine += samples[i] * Math.Sin(phase);
            cosine += samples[i] * Math.Cos(phase);
            power += samples[i] * (double)samples[i];
        }

        return 2 * ((sine * sine) + (cosine * cosine)) / samples.Length / power;
    }

    private sealed class CountingSink : IMixSink
    {
        public int Frames { get; private set; }

        public bool IsListening => true;

        public void OnMixed(ReadOnlySpan<byte> opus, long timestamp, bool begins, long now) => Frames++;
    }
}
