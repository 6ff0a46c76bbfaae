using Microsoft.Extensions.DependencyInjection;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>When the session's own user speaks, the world is told, and forgotten about when nobody can hear it now.</summary>
public sealed partial class VoiceSessionGrain
{
    /// <summary>dBov of silence (RFC 6464 §3).</summary>
    private const int SilentLevel = -127;

    private IEventPublisher Events => ServiceProvider.GetService<IEventPublisher>() ?? NoEvents.Instance;

    private void PublishSpeaking(IEnumerable<VoiceNotice> notices)
    {
        foreach (var notice in notices.OfType<VoiceSpeakingNotice>().Where(n => n.Participant.ParticipantId == ParticipantId))
        {
            var level = notice.IsSpeaking ? _view!.LevelOf(ParticipantId) ?? SilentLevel : SilentLevel;
            PublishSpeaking(notice.IsSpeaking ? "voice.speaking.started" : "voice.speaking.stopped", level);
        }
    }

    /// <summary>A session that ends while its user speaks has stopped.</summary>
    private void PublishSilence()
    {
        if (_view?.Speaking.Contains(ParticipantId) == true)
        {
            PublishSpeaking("voice.speaking.stopped", SilentLevel);
        }
    }

    private void PublishSpeaking(string type, int level)
    {
        var (now, session) = (time.GetUtcNow(), store.State.Session!);
        Events.PublishTransient(new VoiceSpeakingEvent(
            Guid.CreateVersion7(now), type, now, session.Id.ToString("D"), session.UserId, session.ChannelId.ToString("D"), level));
    }
}
