using System.Runtime.InteropServices;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>
/// Receivers whose groups of datagrams the system refused: behind a path that takes less than their length, or that cuts nothing. What a
/// receiver takes is tried again after a time, which is twice as long whenever it fails again. One receiver's path is no matter of the others.
/// Where there is none, nothing is looked up; where there are more than places, the one nearest to its next trial is forgotten.
/// </summary>
internal sealed class GroupingLimits(TimeProvider time)
{
    /// <summary>Time before a receiver is tried again, the first and the longest.</summary>
    public static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(2);

    /// <summary>An address can be in the places of its set alone.</summary>
    private const int Sets = 64;
    private const int Ways = 4;

    private readonly Entry[] _entries = new Entry[Sets * Ways];
    private readonly long _firstRest = Ticks(FirstRest, time);
    private readonly long _longestRest = Ticks(LongestRest, time);
    private long _next = long.MaxValue;

    /// <summary>Receivers that are held to a limit or on trial.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the longest datagram that may be in a group for a receiver; 0 for none.</summary>
    /// <param name="destination">The receiver.</param>
    /// <param name="hash">The same for the same receiver.</param>
    public int Of(in TransportAddress destination, uint hash)
    {
        foreach (ref var entry in Set(hash))
        {
            if (entry.IsUsed && entry.Destination == destination)
            {
                return entry.MaxSegment;
            }
        }

        return int.MaxValue;
    }

    /// <summary>A group for the receiver was refused; only datagrams of <paramref name="maxSegment"/> bytes at most are grouped for it for now.</summary>
    public void Refuse(in TransportAddress destination, uint hash, int maxSegment)
    {
        var now = time.GetTimestamp();
        ref var entry = ref Find(destination, hash);
        if (!entry.IsUsed || entry.Destination != destination)
        {
            Count += entry.IsUsed ? 0 : 1;
            entry = new Entry { Destination = destination, IsUsed = true, MaxSegment = maxSegment, Rest = _firstRest };
        }
        else if (entry.IsOnTrial)
        {
            entry.Rest = Math.Min(2 * entry.Rest, _longestRest);
            entry.IsOnTrial = false;
            entry.MaxSegment = maxSegment;
        }
        else
        {
            // A further group of the same time, or one of shorter datagrams.
            entry.MaxSegment = Math.Min(entry.MaxSegment, maxSegment);
        }

        entry.Until = now + entry.Rest;
        _next = Math.Min(_next, entry.Until);
    }

    /// <summary>Puts on trial those whose time is over, and forgets those that have passed one.</summary>
    public void Advance()
    {
        if (Count == 0 || time.GetTimestamp() is var now && now < _next)
        {
            return;
        }

        _next = long.MaxValue;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (!entry.IsUsed)
            {
                continue;
            }

            if (entry.Until <= now)
            {
                if (entry.IsOnTrial)
                {
                    entry = default;
                    Count--;
                    continue;
                }

                // How long it rested is remembered for as long again: who fails meanwhile rests for twice that.
                (entry.IsOnTrial, entry.MaxSegment, entry.Until) = (true, int.MaxValue, now + entry.Rest);
            }

            _next = Math.Min(_next, entry.Until);
        }
    }

    private static long Ticks(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private Span<Entry> Set(uint hash) => _entries.AsSpan((int)(hash % Sets) * Ways, Ways);

    // Its own place, else a free one, else that of the one nearest to its next step.
    private ref Entry Find(in TransportAddress destination, uint hash)
    {
        var set = Set(hash);
        ref var best = ref set[0];
        foreach (ref var entry in set)
        {
            if (entry.IsUsed && entry.Destination == destination)
            {
                return ref entry;
            }

            if (best.IsUsed && (!entry.IsUsed || entry.Until < best.Until))
            {
                best = ref entry;
            }
        }

        return ref best;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        public TransportAddress Destination;
        public long Until;
        public long Rest;
        public int MaxSegment;
        public bool IsUsed;
        public bool IsOnTrial;
    }
}
