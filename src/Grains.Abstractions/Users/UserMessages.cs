using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Abstractions.Users;

/// <summary>Something that a user's devices are told.</summary>
[GenerateSerializer, Immutable, Alias("vc.UserNotice")]
public abstract record UserNotice;

/// <summary>A connection of a user's device.</summary>
[GenerateSerializer, Immutable, Alias("vc.UserConnection")]
public sealed record UserConnection([property: Id(0)] Guid Id, [property: Id(1)] string Device);

/// <summary>Which connections of a user a notice goes to. With neither, all.</summary>
/// <param name="Only">This device, or all when it is not connected.</param>
/// <param name="Except">Not this device, as far as it can be told from the others.</param>
[GenerateSerializer, Immutable, Alias("vc.NoticeAudience")]
public sealed record NoticeAudience([property: Id(0)] CallOrigin? Only = null, [property: Id(1)] CallOrigin? Except = null)
{
    /// <summary>Every connection.</summary>
    public static NoticeAudience Everyone { get; } = new();
}

/// <summary>Says that a call needs a user or a chat for itself.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallClaim")]
public sealed record CallClaim([property: Id(0)] Guid CallId, [property: Id(1)] Guid[] UserIds);

/// <summary>The claim that is in the way, or null.</summary>
[GenerateSerializer, Immutable, Alias("vc.ClaimResult")]
public sealed record ClaimResult([property: Id(0)] CallClaim? Blocking);
