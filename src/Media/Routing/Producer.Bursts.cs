using VoiceCluster.Media.Interop;

namespace VoiceCluster.Media.Routing;

/// <content>Video that comes in bursts, and the consumers' memory, which is asked for ahead.</content>
public sealed partial class Producer
{
    /// <summary>Packets kept at most: fewer than the smallest history holds.</summary>
    private const int MaxKept = 32;

    private readonly (RtpStreamReceiver Stream, long Sequence)[] _kept;
    private int _keptCount;

    // The place of the packet that is being forwarded.
    private int _keptPlace;

    /// <summary>Forwards the packets that were kept, consumer by consumer.</summary>
    internal void ForwardKept(long now)
    {
        var kept = _kept.AsSpan(0, _keptCount);
        var consumers = _consumers;
        for (var i = 0; i < consumers.Length && kept.Length > 0; i++)
        {
            LookAhead(consumers, consumers.Length, i, kept[0].Sequence);
            for (_keptPlace = 0; _keptPlace < kept.Length; _keptPlace++)
            {
                var (stream, sequence) = kept[_keptPlace];
                if (stream.History!.TryGet(sequence, out var packet))
                {
                    consumers[i].Forward(stream, packet, now);
                }
            }
        }

        kept.Clear();
        _keptCount = _keptPlace = 0;
    }

    /// <summary>Whether the consumer that is being served gets this packet still, after the present one.</summary>
    internal bool IsYetToCome(RtpStreamReceiver stream, long sequence)
    {
        for (var i = _keptPlace + 1; i < _keptCount; i++)
        {
            if (_kept[i].Stream == stream && _kept[i].Sequence == sequence)
            {
                return true;
            }
        }

        return false;
    }

    private void Keep(VideoBursts bursts, RtpStreamReceiver stream, long sequence, long now)
    {
        if (_keptCount == 0)
        {
            bursts.Add(this);
        }

        _kept[_keptCount++] = (stream, sequence);
        if (_keptCount == MaxKept)
        {
            ForwardKept(now);
        }
    }

    // What the next consumers will touch, a step of the way for each: what a pointer leads to can be asked for only once the pointer is there.
    private static void LookAhead(Consumer[] consumers, int count, int i, long sequence)
    {
        if (i + 5 < count)
        {
            Prefetch.Object(consumers[i + 5], 256);
        }

        if (i + 4 < count)
        {
            consumers[i + 4].PrefetchParts();
        }

        if (i + 3 < count)
        {
            consumers[i + 3].PrefetchState(sequence);
        }

        if (i + 2 < count)
        {
            consumers[i + 2].Transport.PrefetchKeys();
        }

        if (i + 1 < count)
        {
            consumers[i + 1].Transport.PrefetchStreams();
        }
    }
}
