using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>
/// What a browser does with a VP8 stream, without the pictures: it puts packets in order, asks again for what is missing, shows a
/// frame when all before it have come or when it is a key frame, and asks for a key frame when it stands still.
/// </summary>
internal sealed class PictureReceiver
{
    /// <summary>µs between two requests for a packet, and their number.</summary>
    private const long NackEvery = 100_000;
    private const int MaxNacks = 10;

    /// <summary>µs without a picture, though packets come, after which a key frame is asked for.</summary>
    private const long Patience = 1_000_000;

    private readonly SortedDictionary<long, Part> _parts = [];
    private readonly SortedDictionary<long, (long At, int Times)> _missing = [];
    private ExtendedSequence _sequence;
    private long _next = -1;
    private long _askedAt;

    private readonly record struct Part(uint Timestamp, bool IsStart, bool IsKey, bool IsEnd, int Tag);

    /// <summary>When a picture was last shown; 0 before.</summary>
    public long ShownAt { get; private set; }

    /// <summary>Called for each picture with its tag.</summary>
    public Action<int>? Shown { get; set; }

    /// <summary>Takes a packet, restored if it came by RTX; the tag is the payload's 21st byte.</summary>
    public void Take(ushort number, uint timestamp, bool marker, ReadOnlySpan<byte> payload, long now)
    {
        var before = _sequence.HasValue ? _sequence.Highest : long.MaxValue;
        if (_sequence.Update(new SequenceNumber(number), out var sequence) == SequenceVerdict.Suspect)
        {
            return;
        }

        _missing.Remove(sequence);
        for (var s = before; s < sequence - 1; s++)
        {
            _missing.Add(s + 1, (now + 20_000, 0));
        }

        if (sequence < _next || !Vp8Descriptor.TryParse(payload, out var vp8))
        {
            return;
        }

        _parts[sequence] = new Part(timestamp, vp8.IsFrameStart, vp8.IsKeyFrame, marker, payload.Length > 20 ? payload[20] : -1);
        while (TryShow(now))
        {
        }
    }

    /// <summary>The packets to ask for again now, and whether to ask for a key frame.</summary>
    public (ushort[] Nacks, bool KeyFrame) Ask(long now)
    {
        List<ushort> nacks = [];
        foreach (var (sequence, (at, times)) in _missing.ToArray())
        {
            if (sequence < _next || times == MaxNacks)
            {
                _missing.Remove(sequence);
            }
            else if (now >= at)
            {
                nacks.Add((ushort)sequence);
                _missing[sequence] = (now + NackEvery, times + 1);
            }
        }

        var standsStill = _parts.Count > 0 && now - Math.Max(ShownAt, _askedAt) > Patience;
        _askedAt = standsStill ? now : _askedAt;
        return ([.. nacks], standsStill);
    }

    private bool TryShow(long now)
    {
        // The next frame whole, or a whole key frame wherever it is.
        foreach (var (sequence, part) in _parts)
        {
            if ((sequence == _next && part.IsStart) || part.IsKey)
            {
                var last = sequence;
                while (_parts.TryGetValue(last, out var each) && each.Timestamp == part.Timestamp && !each.IsEnd)
                {
                    last++;
                }

                if (_parts.TryGetValue(last, out var end) && end.Timestamp == part.Timestamp)
                {
                    _next = last + 1;
                    foreach (var done in _parts.Keys.TakeWhile(s => s < _next).ToArray())
                    {
                        _parts.Remove(done);
                    }

                    Shown?.Invoke(end.Tag);
                    ShownAt = now;
                    return true;
                }
            }
        }

        return false;
    }
}
