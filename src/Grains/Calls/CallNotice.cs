using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>What a user is to be told once the change is stored.</summary>
public sealed record CallNotice(Guid UserId, UserNotice Notice, NoticeAudience Audience);
