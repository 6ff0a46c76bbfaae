using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Chats;

/// <summary>A chat as it is stored.</summary>
[GenerateSerializer, Alias("vc.ChatState")]
public sealed class ChatState : IOutboxState
{
    /// <summary>The chat, or null before it was made. Its active call is in <see cref="Claim"/>.</summary>
    [Id(0)]
    public ChatInfo? Chat { get; set; }

    /// <summary>The call that has the chat, if that call still lives.</summary>
    [Id(1)]
    public CallClaim? Claim { get; set; }

    /// <summary>Calls of the time before there was a history in the store; the next activation takes them there.</summary>
    [Id(2)]
    public List<ChatCall> Calls { get; set; } = [];

    /// <inheritdoc/>
    [Id(3)]
    public List<DomainEvent> PendingEvents { get; set; } = [];
}

/// <summary>A call in a chat's state of that time: what it came to, or null while it ran.</summary>
[GenerateSerializer, Immutable, Alias("vc.ChatCall")]
public sealed record ChatCall([property: Id(0)] Guid CallId, [property: Id(1)] CallInfo? Final);
