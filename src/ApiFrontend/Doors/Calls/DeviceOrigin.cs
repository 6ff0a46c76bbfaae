using System.Security.Cryptography;
using System.Text;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.ApiFrontend.Auth;

namespace VoiceCluster.ApiFrontend.Doors.Calls;

/// <summary>Which device a request comes from: what it says, else its token.</summary>
internal static class DeviceOrigin
{
    /// <summary>A hash, because the text travels through the cluster and the token must not.</summary>
    public static string DeviceOf(HttpContext context, string? named)
    {
        if (!string.IsNullOrEmpty(named))
        {
            return $"d:{named}";
        }

        TokenCarriers.Find(context.Request, out var token);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token ?? ""));
        return CallOrigin.TokenPrefix + Convert.ToHexStringLower(hash.AsSpan(0, 12));
    }
}
