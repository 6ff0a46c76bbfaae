using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;

namespace VoiceCluster.Grains.Rooms;

/// <summary>What applications allow on their transports.</summary>
public sealed partial class Room
{
    /// <summary>What a transport would have with one bitrate changed, or why it cannot.</summary>
    public Outcome<TransportBitrates> WithBitrate(string participantId, string transportId, TransportBitrate which, long bitrate)
    {
        if (CheckTransport(participantId, transportId) is { } fault)
        {
            return fault;
        }

        var present = _transports[transportId].Bitrates ?? new TransportBitrates();
        return present.With(which, bitrate, out var error) is { } next ? next : new Fault(FaultCode.Invalid, error!);
    }

    /// <summary>Notes what the media node was told; later transports of the participant begin with it.</summary>
    public void SetBitrates(string participantId, string transportId, TransportBitrates bitrates)
    {
        if (_transports.TryGetValue(transportId, out var transport) && Find(participantId) is { } participant)
        {
            transport.Bitrates = bitrates;
            participant.Bitrates = bitrates;
        }
    }
}
