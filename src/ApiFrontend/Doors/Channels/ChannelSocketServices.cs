using System.Text.Json;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;
using VoiceCluster.ApiFrontend.Limits;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>Who a connection speaks for.</summary>
/// <param name="Token">The token that the client showed, or one for it.</param>
/// <param name="Identity">The token's; null in Open mode without one.</param>
internal sealed record ChannelCaller(Guid UserId, string Username, string? Token, VoiceIdentity? Identity);

/// <summary>What the connections of this door share.</summary>
internal sealed class ChannelSocketServices(
    IGrainFactory grains,
    IRoomAccess rooms,
    RoomEntry entry,
    RoomLeases leases,
    RequestLimits limits,
    ITokenValidator tokens,
    DevTokens devTokens,
    TokenExpiry expiry,
    RelayAddress relay,
    FrontendSite site,
    IOptions<AuthOptions> auth,
    IOptions<AudioOptions> audio,
    ILogger<ChannelSocket> logger)
{
    public IGrainFactory Grains => grains;

    public IRoomAccess Rooms => rooms;

    public RoomEntry Entry => entry;

    public RoomLeases Leases => leases;

    public RequestLimits Limits => limits;

    public TokenExpiry Expiry => expiry;

    public RelayAddress Relay => relay;

    public FrontendSite Site => site;

    public AudioOptions Audio => audio.Value;

    public ILogger<ChannelSocket> Logger => logger;

    /// <summary><c>{"token"}</c>, or in Open mode <c>{"username"}</c>, whose account is made if it is new.</summary>
    public async Task<Outcome<ChannelCaller>> IdentifyAsync(JsonElement body)
    {
        if (body.ValueKind == JsonValueKind.Object && body.TryGetProperty("token", out var given) && given.ValueKind != JsonValueKind.Null)
        {
            return await ValidateAsync(StrictJson.TextOf(given, TokenShape.MaxLength)).ConfigureAwait(false);
        }

        if (auth.Value.Mode != AuthMode.Open)
        {
            return new Fault(FaultCode.Unauthenticated, "A token is required: {\"Authenticate\":{\"token\":\"…\"}}.");
        }

        var username = body.ValueKind == JsonValueKind.Object ? StrictJson.TextOf(body, "username", DevTokens.MaxUsernameLength) : null;
        if (!DevTokens.IsUsername(username))
        {
            return new Fault(FaultCode.Invalid, $"username has 1 to {DevTokens.MaxUsernameLength} letters, digits or . _ - @ characters.");
        }

        var account = await grains.GetGrain<IAccountGrain>(UserIdentity.FromText(username!)).EnsureAsync(username!).ConfigureAwait(false);
        return account.Fault is { } fault
            ? fault
            : new ChannelCaller(account.Value!.Id, account.Value.Username, devTokens.Enabled ? devTokens.Issue(username!).Token : null, null);
    }

    private async Task<Outcome<ChannelCaller>> ValidateAsync(string? token)
    {
        if (token is null)
        {
            return new Fault(FaultCode.Unauthenticated, "The token is not valid.");
        }

        var result = await tokens.ValidateAsync(token).ConfigureAwait(false);
        return result.Succeeded ? new ChannelCaller(result.Identity.UserId, result.Identity.Name, token, result.Identity)
            : result.Fault == TokenFault.KeysUnavailable ? new Fault(FaultCode.Unavailable, "Tokens cannot be checked now. Try again.")
            : new Fault(FaultCode.Unauthenticated, "The token is not valid.");
    }
}
