using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>The session's media, as its client's offers ask for it.</summary>
public sealed partial class VoiceSessionGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<MediaAnswered>> NegotiateAsync(Guid userId, MediaOffered offer)
    {
        if (CheckOwner(userId) is { } fault)
        {
            return fault;
        }

        _unsaved = true;
        var failed = await new MediaNegotiation(Room, ParticipantId, store.State.Media).RunAsync(offer);
        await SaveAsync();
        return failed is null ? MediaNegotiation.Answer(store.State.Media) : failed;
    }

    private void ForgetTransport() => store.State.Media.Forget();
}
