using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>The one place for a call that a user or a chat has.</summary>
internal static class ClaimSlot
{
    /// <summary>The claim in the slot if it stands in the way of <paramref name="callId"/> and its call still lives, else null.</summary>
    public static async Task<CallClaim?> FindBlockingAsync(IGrainFactory grains, CallClaim? held, Guid? callId) =>
        held is not null && held.CallId != callId && await grains.GetGrain<ICallGrain>(held.CallId).IsLiveAsync() ? held : null;
}
