namespace VoiceCluster.ApiFrontend.Doors.Peers;

/// <summary>Ids of this door: a prefix and the UUID without dashes. A bare UUID is taken as well.</summary>
internal static class PeerIds
{
    public const string Session = "sess_";
    public const string Message = "msg_";
    public const string Call = "call_";
    public const string Recording = "rec_";
    public const string Attachment = "att_";

    /// <summary>The longest text that can be an id.</summary>
    public const int MaxLength = 64;

    public static string Write(string prefix, Guid id) => $"{prefix}{id:N}";

    /// <summary>Reads an id in either form; another prefix is another kind of thing.</summary>
    public static bool TryRead(string prefix, string? text, out Guid id)
    {
        id = default;
        return text is not null
            && (text.StartsWith(prefix, StringComparison.Ordinal)
                ? Guid.TryParseExact(text.AsSpan(prefix.Length), "N", out id)
                : Guid.TryParseExact(text, "D", out id) || Guid.TryParseExact(text, "N", out id));
    }
}
