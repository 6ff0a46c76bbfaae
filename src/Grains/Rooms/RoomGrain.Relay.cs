using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Native clients of a channel, and how its sound flows.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<RelayTransportCreated>> CreateRelayTransportAsync(string participantId, RelayTransportRequest request)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewTransport(participantId)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var own = _room.Find(participantId)!.Info;
        foreach (var older in _room.Snapshot().Participants.Where(p => p.ParticipantId != participantId && p.UserId == own.UserId && p.Door == own.Door))
        {
            await RemoveParticipantAsync(older.ParticipantId, LeaveReason.Moved);
        }

        var transportId = NewId();
        var reply = await _media.OpenTransportAsync(participantId, new CreateRelayTransport(transportId, participantId, own.UserId, request.Session, request.Key));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddTransport(transportId, participantId, hearsAll: true);
        await _media.BringVoicesAsync(participantId);
        await FinishAsync();
        var opened = (RelayTransportOpened)reply.Value!;
        return new RelayTransportCreated(transportId, opened.EndPoint, opened.Media);
    }

    /// <inheritdoc/>
    public async Task<Outcome<AudioStatistics>> GetAudioStatisticsAsync()
    {
        if (_room.IsEmpty)
        {
            await CloseIfEmptyAsync();
            return await FinishAsync(AudioStatistics.None);
        }

        var replies = await _media.ExecuteAtAllAsync(new ReportAudio());
        await FinishAsync();
        return replies.Fault is { } failed ? failed : RoomAudio.Sum([.. replies.Value!.Cast<AudioReported>()]);
    }
}
