using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Grains.CallSessions;

/// <summary>A call session as it is stored, with the events of its changes.</summary>
[GenerateSerializer, Alias("vc.CallSessionState")]
public sealed class CallSessionState : IOutboxState
{
    /// <summary>The session, or null before it was made.</summary>
    [Id(0)]
    public CallSessionInfo? Session { get; set; }

    /// <summary>Who was in it and left by themselves: they may still see what it was.</summary>
    [Id(1)]
    public List<Guid> Past { get; set; } = [];

    /// <inheritdoc/>
    [Id(2)]
    public List<DomainEvent> PendingEvents { get; set; } = [];
}
