namespace VoiceCluster.Media.Bandwidth;

/// <summary>What became of a packet as far as the receiver has told.</summary>
internal enum SentPacketState : byte
{
    None = 0,
    UnderWay,
    Lost,
    Arrived,
}

/// <summary>A packet that carries a transport-wide number.</summary>
internal struct LoggedPacket
{
    public long Sequence;
    public long SentAt;
    public int Size;
    public int Probe;
    public SentPacketState State;
}

/// <summary>The last packets sent with transport-wide numbers; what is older than the ring is forgotten.</summary>
internal sealed class SentPacketLog
{
    /// <summary>More than four seconds of a receiver of 10 Mbit/s.</summary>
    private const int Slots = 4096;

    private readonly LoggedPacket[] _packets = new LoggedPacket[Slots];
    private LoggedPacket _nothing;
    private long _highest = -1;

    /// <summary>Notes a packet; <paramref name="probe"/> is its cluster, 0 for none.</summary>
    public void Add(ushort number, int size, int probe, long now)
    {
        var sequence = _highest < 0 ? number : _highest + (short)(number - (ushort)_highest);
        _highest = Math.Max(_highest, sequence);
        _packets[(int)(sequence & (Slots - 1))] = new LoggedPacket { Sequence = sequence, SentAt = now, Size = size, Probe = probe, State = SentPacketState.UnderWay };
    }

    /// <summary>The record of a number that a feedback names; one in the state None when it was never sent or is forgotten.</summary>
    public ref LoggedPacket Find(ushort number)
    {
        // A receiver can only report on what was sent before.
        var sequence = _highest - (ushort)((ushort)_highest - number);
        ref var packet = ref _packets[(int)(sequence & (Slots - 1))];
        if (packet.State != SentPacketState.None && packet.Sequence == sequence)
        {
            return ref packet;
        }

        _nothing = default;
        return ref _nothing;
    }
}
