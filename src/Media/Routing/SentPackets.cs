namespace VoiceCluster.Media.Routing;

/// <summary>How a packet was rewritten for one consumer, so that it can be made again byte for byte.</summary>
internal struct SentPacket
{
    public long Output;
    public RtpStreamReceiver Stream;
    public long Source;
    public long SentAt;
    public long ResentAt;
    public uint Timestamp;
    public ushort TransportSequence;
    public short PictureIdShift;
    public byte Tl0Shift;
    public byte Resends;

    /// <summary>What was the end of a layer is the end of the picture for this receiver.</summary>
    public bool EndsPicture;
}

/// <summary>The last packets sent to one consumer, by outgoing number; their bytes are in the source's <see cref="PacketHistory"/>.</summary>
internal sealed class SentPackets
{
    private const int Slots = 1024;

    private readonly SentPacket[] _packets = new SentPacket[Slots];

    /// <summary>The place for a packet's record; the caller fills it.</summary>
    public ref SentPacket Slot(long output) => ref _packets[(int)(output & (Slots - 1))];

    /// <summary>True when the slot still has this packet.</summary>
    public bool Has(long output) => Slot(output).Output == output && Slot(output).Stream is not null;
}
