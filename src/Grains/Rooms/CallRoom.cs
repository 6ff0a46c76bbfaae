using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;

namespace VoiceCluster.Grains.Rooms;

/// <summary>The rules of rooms named <c>call:{id}</c>: they are open to those who have joined the call, while it lives.</summary>
public static class CallRoom
{
    private const string Prefix = "call:";

    /// <summary>Whether the name is reserved for a call's room.</summary>
    public static bool IsReserved(string room) => room.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);

    /// <summary>The call of a room. A reserved name in any other spelling belongs to no call.</summary>
    public static bool TryParse(string room, out Guid callId)
    {
        callId = default;
        return room.StartsWith(Prefix, StringComparison.Ordinal)
            && Guid.TryParseExact(room.AsSpan(Prefix.Length), "D", out callId)
            && room == $"{Prefix}{callId}";
    }

    /// <summary>Null when the user may be in the call's room.</summary>
    public static Fault? Check(CallInfo? call, Guid userId)
    {
        if (call?.Find(userId) is not { } party)
        {
            // A stranger cannot tell a call from none.
            return new Fault(FaultCode.Forbidden, "The room belongs to a call that the user has no part in.");
        }

        if (call.IsOver)
        {
            return new Fault(FaultCode.Gone, "The call is over.");
        }

        return party.Status switch
        {
            CallPartyStatus.Joined => null,
            CallPartyStatus.Ringing => new Fault(FaultCode.Conflict, "The user has not answered the call yet."),
            _ => new Fault(FaultCode.Gone, "The user is no longer in the call."),
        };
    }
}
