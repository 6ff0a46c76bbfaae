using System.Text.Json;
using VoiceCluster.Abstractions.Peers;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Doors.Peers.Signaling;

/// <summary>Which peer a request speaks for, and where it wants to be.</summary>
/// <param name="Key">The peer's grain: the same name of another user is another peer.</param>
internal sealed record PeerCaller(Guid Key, PeerInfo Peer)
{
    /// <summary>Where peers are that name no room.</summary>
    public const string DefaultRoom = "lobby";

    private const string CallRooms = "call:";

    /// <summary>
    /// The peer of a request, or what is wrong with it. With a token the peer is its user's; in Open mode without one the peer's
    /// name is the user, except in rooms of calls, which need a token in either mode.
    /// </summary>
    public static PeerError? Read(HttpContext context, out PeerCaller caller)
    {
        caller = null!;
        var query = context.Request.Query;
        if (!TryRead(query, "peerID", out var peerId) || peerId is null)
        {
            return PeerError.Invalid(string.IsNullOrWhiteSpace(query["peerID"]) ? "peerID is required" : "peerID must be one text of 1 to 128 characters");
        }

        if (!TryRead(query, "room", out var room))
        {
            return PeerError.Invalid("room must be one text of 1 to 128 characters");
        }

        room ??= DefaultRoom;
        if (context.GetIdentity() is not { } identity)
        {
            if (room.StartsWith(CallRooms, StringComparison.OrdinalIgnoreCase))
            {
                return new PeerError(401, "a token is required for the room of a call");
            }

            var userId = UserIdentity.FromText(peerId);
            caller = new PeerCaller(KeyOf(userId, peerId), new PeerInfo(peerId, userId, JsonSerializer.Serialize(peerId), peerId, room));
            return null;
        }

        if (!identity.MayJoin(room))
        {
            return new PeerError(403, "the token does not grant this room");
        }

        caller = new PeerCaller(
            KeyOf(identity.UserId, peerId),
            new PeerInfo(peerId, identity.UserId, JsonSerializer.Serialize(identity.Subject), identity.Name, room));
        return null;
    }

    private static Guid KeyOf(Guid userId, string peerId) => UserIdentity.NameBased(userId, $"peer:{peerId}");

    private static bool TryRead(IQueryCollection query, string name, out string? text)
    {
        text = null;
        if (!query.TryGetValue(name, out var values))
        {
            return true;
        }

        text = values.Count == 1 ? values[0] : null;
        return text is { Length: >= 1 and <= PeerRequest.MaxName } && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
    }
}
