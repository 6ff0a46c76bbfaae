using System.Reflection;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Who a verified token speaks for. One identity over all doors; see docs/security.md.</summary>
/// <param name="UserId">The user: the <c>sub</c> claim if it is a UUID, else the stable UUID of its text.</param>
/// <param name="Subject">The <c>sub</c> claim as the token has it.</param>
/// <param name="Name">The <c>name</c> claim, or the subject.</param>
/// <param name="Roles">The <c>roles</c> claim; <see cref="AdminRole"/> and <see cref="ModeratorRole"/> mean something here.</param>
/// <param name="Rooms">The <c>rooms</c> claim: what the token may join. Null means every room.</param>
/// <param name="ExpiresAt">When the token ends.</param>
public sealed record VoiceIdentity(
    Guid UserId,
    string Subject,
    string Name,
    IReadOnlyList<string> Roles,
    IReadOnlyList<string>? Rooms,
    DateTimeOffset ExpiresAt)
{
    /// <summary>May do what only operators do.</summary>
    public const string AdminRole = "admin";

    /// <summary>May mute and remove others.</summary>
    public const string ModeratorRole = "moderator";

    public bool IsAdmin => Roles.Contains(AdminRole, StringComparer.Ordinal);

    /// <summary>Whether the token makes a moderator; an admin is one.</summary>
    public bool IsModerator => IsAdmin || Roles.Contains(ModeratorRole, StringComparer.Ordinal);

    /// <summary>Whether the grants let this identity into a room. A grant is a name, or a prefix that ends in <c>*</c>.</summary>
    public bool MayJoin(string room)
    {
        ArgumentNullException.ThrowIfNull(room);
        return Rooms is null || Rooms.Any(grant => grant.EndsWith('*')
            ? room.StartsWith(grant.AsSpan(0, grant.Length - 1), StringComparison.Ordinal)
            : string.Equals(room, grant, StringComparison.Ordinal));
    }

    /// <summary>Lets a minimal API handler take <c>VoiceIdentity? identity</c>: null when the request carried no token.</summary>
    public static ValueTask<VoiceIdentity?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ValueTask.FromResult(context.GetIdentity());
    }
}

/// <summary>Where a request keeps its identity.</summary>
public static class VoiceIdentityHttpContextExtensions
{
    /// <summary>The verified identity of the request, or null when it carried no token.</summary>
    public static VoiceIdentity? GetIdentity(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<VoiceIdentity>();
    }

    /// <summary>The verified identity of a request whose route is declared with <c>RequireIdentity()</c>.</summary>
    public static VoiceIdentity RequireIdentity(this HttpContext context) => context.GetIdentity()
        ?? throw new InvalidOperationException($"{context.Request.Path} has no identity: its route lacks RequireIdentity().");
}
