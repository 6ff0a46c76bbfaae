using System.Buffers.Binary;
using VoiceCluster.Media.Recording;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Recording;

/// <summary>A part of a recording in virtual time, fed by senders whose every packet knows when it was spoken.</summary>
internal sealed class RecordingRun
{
    public const long Start = 5_000_000;
    private readonly PriorityQueue<Action, (long At, int Order)> _agenda = new();
    private int _order;

    public RecordingRun(RecordingPartOptions? options = null) => Part = new RecordingPart(options ?? new RecordingPartOptions { Title = "room" }, Files, Start);

    public MemoryFiles Files { get; } = new();

    public RecordingPart Part { get; }

    public long Now { get; private set; } = Start;

    public List<(long At, int Source)> KeyFramesWanted { get; } = [];

    /// <summary>Does something at a time.</summary>
    public void At(long time, Action action) => _agenda.Enqueue(action, (time, _order++));

    /// <summary>Lets time pass; the part is advanced every 50 ms, as the writer does.</summary>
    public void RunTo(long end)
    {
        var wanted = new List<int>();
        for (var next = (Now / 50_000 * 50_000) + 50_000; next <= end; next += 50_000)
        {
            Play(next);
            Now = next;
            Part.Advance(Now, wanted);
            KeyFramesWanted.AddRange(wanted.Select(w => (Now, w)));
            wanted.Clear();
        }

        Play(end);
        Now = end;
    }

    public void Finish(long end)
    {
        RunTo(end);
        Part.Finish(end);
    }

    /// <summary>An Opus packet of 20 ms that tells the millisecond at which it was spoken.</summary>
    public static byte[] Spoken(long now)
    {
        var packet = new byte[24];
        packet[0] = 0x78;
        BinaryPrimitives.WriteInt64BigEndian(packet.AsSpan(1), now);
        packet.AsSpan(9).Fill(0x55);
        return packet;
    }

    /// <summary>Sends a packet every 20 ms, each at the end of its 20 ms and so much later.</summary>
    public SoundSender Speak(int source, long from, long to, Func<int, long?>? delay = null, double clockError = 0, uint timestamp = 1_000, ushort sequence = 10)
    {
        var sender = new SoundSender(from, timestamp, clockError);
        for (var i = 0; from + (i * 20_000L) < to; i++)
        {
            var spokenAt = from + (i * 20_000L);
            var late = delay is null ? 5_000 : delay(i);
            if (late is not { } wait)
            {
                continue;
            }

            var (number, stamp) = ((ushort)(sequence + i), sender.TimestampAt(spokenAt));
            var payload = Spoken(spokenAt);
            At(spokenAt + 20_000 + wait, () => Part.Push(source, number, stamp, false, payload, Now));
        }

        return sender;
    }

    /// <summary>Where each spoken packet lies: when it was spoken, and at which instant the file has it.</summary>
    public static List<(long Spoken, long Written)> Places(byte[] ogg, long startedAt)
    {
        var places = new List<(long, long)>();
        var reader = new OggReader(ogg);
        var position = -(long)reader.PreSkip;
        foreach (var packet in reader.Sound)
        {
            Assert.True(Opus.TryGetSamples(packet, out var samples));
            if (packet.Length == 24 && packet[0] == 0x78)
            {
                places.Add((BinaryPrimitives.ReadInt64BigEndian(packet.AsSpan(1)), startedAt + (position * 1_000 / 48)));
            }

            position += samples;
        }

        return places;
    }

    private void Play(long until)
    {
        while (_agenda.TryPeek(out var action, out var when) && when.At <= until)
        {
            _agenda.Dequeue();
            Now = Math.Max(Now, when.At);
            action();
        }
    }

    /// <summary>A sender's RTP clock.</summary>
    public sealed class SoundSender(long from, uint timestamp, double clockError)
    {
        public uint TimestampAt(long now) => unchecked(timestamp + (uint)(long)((now - from) * (1 + clockError) * 48 / 1_000));
    }
}
