using System.Globalization;
using System.Text.Json;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>
/// A request's fields. Names have no case (<c>sessionID</c> is <c>sessionId</c>). The first thing that is wrong is kept as
/// <see cref="Error"/>; what is read after that is of no use.
/// </summary>
internal sealed class PeerRequest
{
    /// <summary>The longest name of a user or peer.</summary>
    public const int MaxName = 128;

    private readonly VoiceIdentity? _identity;
    private readonly JsonElement _body;
    private readonly string _path;

    private PeerRequest(VoiceIdentity? identity, JsonElement body, string path, PeerError? error) =>
        (_identity, _body, _path, Error) = (identity, body, path, error);

    /// <summary>What is wrong; null while nothing is.</summary>
    public PeerError? Error { get; private set; }

    /// <summary>The token's identity; null in Open mode without a token.</summary>
    public VoiceIdentity? Identity => _identity;

    /// <summary>Whether the last object that was read is an object.</summary>
    public JsonElement Body => _body;

    /// <summary>Reads a body that must be an object.</summary>
    public static async Task<PeerRequest> ReadAsync(HttpContext context) =>
        await JsonBody.ReadObjectAsync(context).ConfigureAwait(false) is { } body
            ? new PeerRequest(context.GetIdentity(), body, "", null)
            : new PeerRequest(context.GetIdentity(), default, "", PeerError.Invalid("the body must be a JSON object"));

    /// <summary>A request without a body.</summary>
    public static PeerRequest Of(HttpContext context) => new(context.GetIdentity(), default, "", null);

    /// <summary>An object within the body.</summary>
    public PeerRequest Object(string name)
    {
        if (Find(name) is { ValueKind: JsonValueKind.Object } value)
        {
            return new PeerRequest(_identity, value, $"{_path}{name}.", Error);
        }

        Refuse($"{_path}{name} must be an object");
        return new PeerRequest(_identity, default, _path, Error);
    }

    /// <summary>Takes over what is wrong in an inner object.</summary>
    public void Merge(PeerRequest inner) => Error ??= inner.Error;

    /// <summary>Something is wrong.</summary>
    public void Refuse(string message, int status = 400) => Error ??= new PeerError(status, message);

    /// <summary>A text that may be absent or null.</summary>
    public string? OptionalText(string name, int maxLength)
    {
        if (Find(name) is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var text = StrictJson.TextOf(value, maxLength);
        if (text is null || text.Contains('\0', StringComparison.Ordinal))
        {
            Refuse($"{_path}{name} must be a text of {maxLength} characters at most");
            return null;
        }

        return text;
    }

    /// <summary>A text with something in it.</summary>
    public string Text(string name, int maxLength)
    {
        var text = OptionalText(name, maxLength);
        if (string.IsNullOrWhiteSpace(text))
        {
            Refuse($"{_path}{name} is required");
        }

        return text ?? "";
    }

    /// <summary>A whole number within bounds; null when it is absent.</summary>
    public long? OptionalNumber(string name, long least, long most)
    {
        if (Find(name) is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= most)
        {
            return number;
        }

        Refuse(string.Create(CultureInfo.InvariantCulture, $"{_path}{name} must be a whole number from {least} to {most}"));
        return null;
    }

    /// <summary>A flag; null when it is absent.</summary>
    public bool? OptionalFlag(string name)
    {
        switch (Find(name)?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return null;
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                Refuse($"{_path}{name} must be true or false");
                return null;
        }
    }

    /// <summary>A time in RFC 3339; null when it is absent.</summary>
    public DateTimeOffset? OptionalTime(string name)
    {
        if (Find(name) is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out var time))
        {
            return time;
        }

        Refuse($"{_path}{name} must be a time such as 2024-01-29T10:05:00Z");
        return null;
    }

    /// <summary>Nanoseconds; null when absent, which is for ever.</summary>
    public TimeSpan? OptionalDuration(string name)
    {
        const long NanosecondsPerTick = 100;
        return OptionalNumber(name, NanosecondsPerTick, long.MaxValue) is { } nanoseconds ? TimeSpan.FromTicks(nanoseconds / NanosecondsPerTick) : null;
    }

    /// <summary>The id of something; a text that can be none is that of something that does not exist.</summary>
    public Guid Id(string name, string prefix, string what) => ReadId(Text(name, PeerIds.MaxLength), prefix, what);

    /// <summary>The same from a path.</summary>
    public Guid ReadId(string text, string prefix, string what)
    {
        if (!PeerIds.TryRead(prefix, text, out var id))
        {
            Refuse($"{what} not found", 404);
        }

        return id;
    }

    /// <summary>An id that the client may choose; null when it does not.</summary>
    public Guid? OptionalId(string name, string prefix)
    {
        if (OptionalText(name, PeerIds.MaxLength) is not { } text)
        {
            return null;
        }

        if (PeerIds.TryRead(prefix, text, out var id))
        {
            return id;
        }

        Refuse($"{_path}{name} must be {prefix} and a UUID without dashes, or a UUID");
        return null;
    }

    /// <summary>
    /// Who does it. With a token the token's user, whom the field may name and nobody else; in Open mode without one, who the
    /// field says.
    /// </summary>
    public ChatUser Caller(string name) => Judge(OptionalText(name, MaxName), $"{_path}{name}");

    /// <summary>The same where a request may name nobody; null for nobody.</summary>
    public Guid? OptionalCaller(string name) => _identity is null && OptionalText(name, MaxName) is null ? null : Caller(name).UserId;

    /// <summary>The same from a text of the query.</summary>
    public ChatUser CallerOf(string? text, string name)
    {
        if (text is { Length: > MaxName } || text?.Contains('\0', StringComparison.Ordinal) == true)
        {
            Refuse($"{name} must be a text of {MaxName} characters at most");
            text = null;
        }

        return Judge(text, name);
    }

    /// <summary>Who reads, where Open mode lets read who knows the id; null for such a one.</summary>
    public Guid? Reader(string? text, string name) => _identity is null && text is null ? null : CallerOf(text, name).UserId;

    /// <summary>Another user.</summary>
    public ChatUser User(string name) => UserOf(Text(name, MaxName));

    /// <summary>Another user, or null.</summary>
    public ChatUser? OptionalUser(string name)
    {
        var text = OptionalText(name, MaxName);
        return string.IsNullOrWhiteSpace(text) ? null : UserOf(text);
    }

    /// <summary>Several users.</summary>
    public ChatUser[] Users(string name, int most)
    {
        if (Find(name) is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() > most)
        {
            Refuse($"{_path}{name} must be a list of {most} users at most");
            return [];
        }

        List<ChatUser> users = [];
        foreach (var item in list.EnumerateArray())
        {
            if (StrictJson.TextOf(item, MaxName) is not { } text || string.IsNullOrWhiteSpace(text) || text.Contains('\0', StringComparison.Ordinal))
            {
                Refuse($"{_path}{name} must have texts of 1 to {MaxName} characters");
                return [];
            }

            users.Add(UserOf(text));
        }

        return [.. users];
    }

    /// <summary>The field as it stands, whatever its type.</summary>
    public JsonElement? Find(string name)
    {
        if (Error is not null || _body.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        JsonElement? found = null;
        foreach (var property in _body.EnumerateObject())
        {
            if (!string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (found is not null)
            {
                Refuse($"{_path}{name} is there twice, in two spellings");
                return null;
            }

            found = property.Value;
        }

        return found;
    }

    private static ChatUser UserOf(string text) => new(UserIdentity.FromText(text), text);

    private ChatUser Judge(string? text, string name)
    {
        if (_identity is null)
        {
            if (string.IsNullOrWhiteSpace(text))
            {
                Refuse($"{name} is required");
                return new ChatUser(Guid.Empty, "");
            }

            return UserOf(text);
        }

        if (string.IsNullOrWhiteSpace(text))
        {
            return new ChatUser(_identity.UserId, _identity.Subject);
        }

        var user = UserOf(text);
        if (user.UserId != _identity.UserId)
        {
            Refuse($"{name} is not the token's user", 403);
        }

        return user;
    }
}
