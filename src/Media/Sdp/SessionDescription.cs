namespace VoiceCluster.Media.Sdp;

/// <summary>One <c>a=</c> line: <c>a=name</c> or <c>a=name:value</c> (RFC 8866 §5.13).</summary>
public readonly record struct SdpAttribute(string Name, string? Value);

/// <summary>The <c>o=</c> line (RFC 8866 §5.2).</summary>
public sealed record SdpOrigin(string UserName, string SessionId, ulong SessionVersion, string AddressType, string Address);

/// <summary>A whole description (RFC 8866), as text said it: attributes stay in their order, unknown ones too.</summary>
public sealed class SessionDescription
{
    public required SdpOrigin Origin { get; init; }

    /// <summary>The <c>s=</c> line; "-" when there is no name.</summary>
    public string SessionName { get; init; } = "-";

    public List<SdpAttribute> Attributes { get; init; } = [];

    public List<MediaDescription> Media { get; init; } = [];

    /// <summary>The value of the first attribute of that name, or null.</summary>
    public string? Find(string name) => SdpAttributes.Find(Attributes, name);

    /// <summary>The mids of each <c>a=group:BUNDLE</c> (RFC 9143 §7.2).</summary>
    public IEnumerable<string[]> BundleGroups() => Attributes
        .Where(a => a.Name == "group" && a.Value is not null && a.Value.StartsWith("BUNDLE", StringComparison.Ordinal))
        .Select(a => a.Value!.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]);

    /// <summary>
    /// An attribute of a section, or the session's when the section has none: ice-ufrag, ice-pwd, fingerprint, setup
    /// and the direction may stand on either level (RFC 8839 §5.4, RFC 8122 §5, RFC 8866 §6.7).
    /// </summary>
    public string? Find(MediaDescription media, string name) => media.Find(name) ?? Find(name);
}

/// <summary>One <c>m=</c> section (RFC 8866 §5.14).</summary>
public sealed class MediaDescription
{
    /// <summary>audio, video or application.</summary>
    public required string Kind { get; init; }

    /// <summary>0 refuses the section, but for a bundle-only one (RFC 9143 §6).</summary>
    public required int Port { get; init; }

    /// <summary>For instance UDP/TLS/RTP/SAVPF.</summary>
    public required string Protocol { get; init; }

    /// <summary>Payload types of RTP sections, as text.</summary>
    public List<string> Formats { get; init; } = [];

    /// <summary>The <c>c=</c> line's value, or null.</summary>
    public string? Connection { get; init; }

    public List<SdpAttribute> Attributes { get; init; } = [];

    /// <summary>True when the section is neither refused nor disabled.</summary>
    public bool IsActive => Port != 0 || Has("bundle-only");

    /// <summary>The section's identification, or null (RFC 5888).</summary>
    public string? Mid => Find("mid");

    /// <summary>Whether there is an attribute of that name.</summary>
    public bool Has(string name) => Attributes.Exists(a => a.Name == name);

    /// <summary>The value of the first attribute of that name, or null.</summary>
    public string? Find(string name) => SdpAttributes.Find(Attributes, name);

    /// <summary>The values of all attributes of that name.</summary>
    public IEnumerable<string> FindAll(string name) => Attributes.Where(a => a.Name == name && a.Value is not null).Select(a => a.Value!);
}

/// <summary>Which way media flows, from the describer's side (RFC 8866 §6.7).</summary>
public enum SdpDirection
{
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

internal static class SdpAttributes
{
    public static string? Find(List<SdpAttribute> attributes, string name)
    {
        foreach (var attribute in attributes)
        {
            if (attribute.Name == name)
            {
                return attribute.Value ?? "";
            }
        }

        return null;
    }
}
