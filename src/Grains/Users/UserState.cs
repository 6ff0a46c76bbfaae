using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Users;

/// <summary>What of a user outlives its activation. Connections do not: their doors report them again.</summary>
[GenerateSerializer, Alias("vc.UserState")]
public sealed class UserState
{
    /// <summary>The call that has the user, if that call still lives.</summary>
    [Id(0)]
    public CallClaim? Claim { get; set; }
}
