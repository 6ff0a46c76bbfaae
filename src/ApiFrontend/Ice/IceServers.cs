using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Ice;

/// <summary>One entry of RTCConfiguration.iceServers (W3C WebRTC §4.2.2).</summary>
public sealed record IceServer(string[] Urls, string? Username, string? Credential);

/// <summary>What a user is told about STUN and TURN.</summary>
public sealed class IceServers(IOptions<IceServerOptions> options, TimeProvider time)
{
    private readonly IceServerOptions _options = options.Value;

    /// <summary>TURN with credentials for this user, then STUN, one entry a server.</summary>
    public IceServer[] For(Guid userId)
    {
        var (username, credential) = Credentials(userId);
        return
        [
            .. IceServerOptions.Split(_options.TurnUrls).Select(url => new IceServer([url], username, credential)),
            .. IceServerOptions.Split(_options.StunUrls).Select(url => new IceServer([url], null, null)),
        ];
    }

    /// <summary>
    /// With a secret: coturn's REST scheme (draft-uberti-behave-turn-rest-00 §2.2), username <c>expiry:user</c> and the
    /// base64 of its HMAC-SHA1. Else the fixed pair.
    /// </summary>
    private (string Username, string Credential) Credentials(Guid userId)
    {
        if (_options.TurnSecret.Length == 0)
        {
            return (_options.TurnUsername, _options.TurnPassword);
        }

        var expiry = (time.GetUtcNow() + _options.TurnLifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var username = $"{expiry}:{userId}";
        var mac = HMACSHA1.HashData(Encoding.UTF8.GetBytes(_options.TurnSecret), Encoding.UTF8.GetBytes(username));
        return (username, Convert.ToBase64String(mac));
    }
}
