using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Participants without WebRTC: an operator's FFmpeg or GStreamer.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<TransportCreated>> CreatePlainTransportAsync(string participantId, string optionsJson)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewTransport(participantId)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var transportId = NewId();
        var reply = await _media.OpenTransportAsync(participantId, new CreatePlainTransport(transportId, participantId, optionsJson));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddTransport(transportId, participantId);
        await FinishAsync();
        return new TransportCreated(transportId, ((TransportOpened)reply.Value!).DescriptionJson, _room.NodeOf(participantId)?.Name);
    }
}
