using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace VoiceCluster.Clustering;

/// <summary>
/// Where Redis is and how to get in: <c>redis://user:password@host:6379/0</c> (<c>rediss://</c> with TLS), or the form
/// of StackExchange.Redis, <c>host:6379,password=…,ssl=true,defaultDatabase=0</c>.
/// </summary>
public sealed record RedisAddress(string Host, int Port)
{
    private const int DefaultPort = 6379;

    /// <summary>Settings of that other client which have no meaning here.</summary>
    private static readonly HashSet<string> Ignored = new(
        ["abortConnect", "allowAdmin", "asyncTimeout", "configCheckSeconds", "connectRetry", "connectTimeout", "keepAlive", "name", "protocol", "resolveDns", "syncTimeout", "tiebreaker"],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>The ACL user; null for the default one.</summary>
    public string? User { get; init; }

    /// <summary>The password, or null.</summary>
    public string? Password { get; init; }

    /// <summary>Number of the database.</summary>
    public int Database { get; init; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool UseTls { get; init; }

    /// <summary>The name that the server's certificate must have.</summary>
    public string TlsHost
    {
        get => field ?? Host;
        init;
    }

    /// <summary>Reads either form. The error names no password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out RedisAddress? address, out string error)
    {
        var isUrl = text.Contains("://", StringComparison.Ordinal);
        error = isUrl ? TryParseUrl(text, out address) : TryParseList(text, out address);
        if (error.Length == 0 && Uri.CheckHostName(address!.Host) == UriHostNameType.Unknown)
        {
            error = "The Redis address names no host that can be one.";
        }
        else if (error.Length == 0)
        {
            // The list has no escapes: what it cannot say must not be half said.
            var list = address!.ToConfigurationString();
            if (TryParseList(list, out var again).Length > 0 || again!.ToConfigurationString() != list)
            {
                error = "The Redis address has a comma, or a blank at an end, in user or password; that cannot be told to every Redis client.";
            }
        }

        if (error.Length > 0)
        {
            address = null;
        }

        return address is not null;
    }

    /// <summary>The form of StackExchange.Redis, password included: not for logs.</summary>
    public string ToConfigurationString()
    {
        var text = new StringBuilder(ToString());
        Append("user", User);
        Append("password", Password);
        Append("defaultDatabase", Database == 0 ? null : Database.ToString(CultureInfo.InvariantCulture));
        Append("ssl", UseTls ? "true" : null);
        Append("sslHost", UseTls ? TlsHost : null);
        return text.Append(",abortConnect=false").ToString();

        void Append(string key, string? value) => _ = value is null ? text : text.Append(',').Append(key).Append('=').Append(value);
    }

    /// <summary>Host and port, for logs.</summary>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private static string TryParseUrl(string text, out RedisAddress? address)
    {
        address = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("redis" or "rediss") || url.Host.Length == 0)
        {
            return "The Redis URL is not of the form redis://user:password@host:port/database.";
        }

        var path = url.AbsolutePath.Trim('/');
        var database = 0;
        if (path.Length > 0 && !TryParseDatabase(path, out database))
        {
            return $"The Redis URL has the database /{path}; it must be a number.";
        }

        if (url.Query.Length > 1)
        {
            return $"The Redis URL has the parameters {url.Query}; none is known.";
        }

        var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
        address = new RedisAddress(url.Host.Trim('[', ']'), url.Port > 0 ? url.Port : DefaultPort)
        {
            User = NullIfEmpty(colon < 0 ? url.UserInfo : url.UserInfo[..colon]),
            Password = NullIfEmpty(colon < 0 ? "" : url.UserInfo[(colon + 1)..]),
            Database = database,
            UseTls = url.Scheme == "rediss",
        };
        return "";

        static string? NullIfEmpty(string part) => part.Length == 0 ? null : Uri.UnescapeDataString(part);
    }

    private static string TryParseList(string text, out RedisAddress? address)
    {
        address = null;
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                if (address is not null)
                {
                    return $"The Redis address names {address} and {part}; one server is supported.";
                }

                if (!TryParseEndpoint(part, out address))
                {
                    return $"The Redis address begins with {part}, which is not of the form host:port.";
                }

                continue;
            }

            if (address is null)
            {
                return "The Redis address must begin with host:port.";
            }

            var (key, value) = (part[..equals].Trim(), part[(equals + 1)..].Trim());
            var error = Apply(ref address, key, value);
            if (error.Length > 0)
            {
                return error;
            }
        }

        return address is null ? "The Redis address names no host." : "";
    }

    private static string Apply(ref RedisAddress address, string key, string value)
    {
        switch (key.ToUpperInvariant())
        {
            case "USER":
                address = address with { User = value };
                return "";
            case "PASSWORD":
                address = address with { Password = value };
                return "";
            case "SSLHOST":
                address = address with { TlsHost = value };
                return "";
            case "SSL":
                if (!bool.TryParse(value, out var useTls))
                {
                    return $"The Redis address has ssl={value}; it must be true or false.";
                }

                address = address with { UseTls = useTls };
                return "";
            case "DEFAULTDATABASE":
                if (!TryParseDatabase(value, out var database))
                {
                    return $"The Redis address has defaultDatabase={value}; it must be a number.";
                }

                address = address with { Database = database };
                return "";
            default:
                return Ignored.Contains(key) ? "" : $"The Redis address has {key}, which is not known.";
        }
    }

    private static bool TryParseEndpoint(string part, [NotNullWhen(true)] out RedisAddress? address)
    {
        address = null;
        var colon = part.LastIndexOf(':');
        var isBareIPv6 = colon >= 0 && part.IndexOf(':', StringComparison.Ordinal) != colon && !part.Contains(']', StringComparison.Ordinal);
        if (colon < 0 || isBareIPv6 || part.EndsWith(']'))
        {
            address = new RedisAddress(part.Trim('[', ']'), DefaultPort);
            return address.Host.Length > 0;
        }

        if (colon == 0 || !int.TryParse(part.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is 0 or > 65_535)
        {
            return false;
        }

        address = new RedisAddress(part[..colon].Trim('[', ']'), port);
        return true;
    }

    private static bool TryParseDatabase(string text, out int database) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out database);
}
