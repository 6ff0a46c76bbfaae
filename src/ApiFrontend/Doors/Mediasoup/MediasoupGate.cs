using System.Text.Json;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>Who joins, and how the others see it.</summary>
/// <param name="UserId">The user.</param>
/// <param name="UserJson">The <c>userId</c> that the others are shown: the client's own, or the token's subject.</param>
/// <param name="Name">The name, unless the client gives another.</param>
/// <param name="Identity">The token's, or null without one.</param>
internal sealed record MediasoupCaller(Guid UserId, string UserJson, string Name, VoiceIdentity? Identity);

/// <summary>Checks the tokens of this door: <c>auth.token</c> of the handshake, or <c>token</c> in <c>join-room</c>.</summary>
internal sealed class MediasoupGate(ITokenValidator tokens, IOptions<AuthOptions> options)
{
    private const string BadToken = "The token is not valid.";

    /// <summary>Refuses a handshake with a bad token. One without may still bring it in <c>join-room</c>.</summary>
    public async ValueTask<string?> AdmitAsync(SocketIoHandshake handshake)
    {
        if (!TryFind(handshake, out string? token))
        {
            return BadToken;
        }

        if (token is null)
        {
            return null;
        }

        handshake.Identity = (await tokens.ValidateAsync(token).ConfigureAwait(false)).Identity;
        return handshake.Identity is null ? BadToken : null;
    }

    /// <summary>The token that a join goes by: its own before the handshake's.</summary>
    public static string? TokenOf(SocketIoHandshake handshake, MediasoupRequest request)
        => request.OptionalText("token", TokenShape.MaxLength) ?? (TryFind(handshake, out string? token) ? token : null);

    /// <summary>With a token the token says who it is, whatever <c>userId</c> says; without one <c>userId</c> does, in Open mode.</summary>
    public async ValueTask<Outcome<MediasoupCaller>> IdentifyAsync(string? token, string userText, string userJson, string roomId)
    {
        if (token is null)
        {
            return options.Value.Mode == AuthMode.Open && !IsCallRoom(roomId)
                ? new MediasoupCaller(UserIdentity.FromText(userText), userJson, userText, null)
                : new Fault(FaultCode.Unauthenticated, "A token is required.");
        }

        TokenResult result = await tokens.ValidateAsync(token).ConfigureAwait(false);
        if (!result.Succeeded)
        {
            return result.Fault == TokenFault.KeysUnavailable
                ? new Fault(FaultCode.Unavailable, "Tokens cannot be checked now. Try again.")
                : new Fault(FaultCode.Unauthenticated, BadToken);
        }

        VoiceIdentity identity = result.Identity;
        return identity.MayJoin(roomId)
            ? new MediasoupCaller(identity.UserId, JsonSerializer.Serialize(identity.Subject), identity.Name, identity)
            : new Fault(FaultCode.Forbidden, "The token does not grant this room.");
    }

    /// <summary>Calls need a token in either mode, so their rooms do as well: a claimed user id must not open them.</summary>
    private static bool IsCallRoom(string roomId) => roomId.StartsWith("call:", StringComparison.OrdinalIgnoreCase);

    private static bool TryFind(SocketIoHandshake handshake, out string? token)
    {
        token = null;
        if (handshake.Auth.ValueKind != JsonValueKind.Object
            || !handshake.Auth.TryGetProperty("token", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        token = StrictJson.TextOf(value, TokenShape.MaxLength);
        return token is not null;
    }
}
