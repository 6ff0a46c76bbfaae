using System.Net;
using VoiceCluster.ApiFrontend.Limits;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Counts a connection's messages like requests, by its address and its user.</summary>
internal readonly record struct CallSocketLimit(RequestLimits Limits, IPAddress? Address)
{
    /// <summary>False past a limit.</summary>
    public bool TryTake(Guid userId, out TimeSpan retryAfter) =>
        Limits.TryAddress(Address, out retryAfter) && Limits.TryUser(userId, out retryAfter);
}
