using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace VoiceCluster.PostgreSql;

/// <summary>DATABASE_URL, as a URL (<c>postgres://user:password@host:5432/database?sslmode=require</c>) or as Npgsql's connection string.</summary>
public static class DatabaseUrl
{
    /// <summary>Reads either form. The error names no password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection, out string error)
    {
        connection = null;
        error = "";
        try
        {
            if (text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal))
            {
                return TryParseUrl(text, out connection, out error);
            }

            connection = new NpgsqlConnectionStringBuilder(text);
        }
        catch (ArgumentException e)
        {
            error = $"DATABASE_URL is no connection string: {e.Message}";
            return false;
        }

        if (string.IsNullOrEmpty(connection.Host))
        {
            connection = null;
            error = "DATABASE_URL names no host.";
            return false;
        }

        return true;
    }

    private static bool TryParseUrl(string text, [NotNullWhen(true)] out NpgsqlConnectionStringBuilder? connection, out string error)
    {
        connection = null;
        error = "DATABASE_URL is no URL of the form postgres://user:password@host:port/database.";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.AbsolutePath.Length < 2)
        {
            return false;
        }

        var colon = url.UserInfo.IndexOf(':', StringComparison.Ordinal);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.Host.Trim('[', ']'),
            Port = url.Port > 0 ? url.Port : 5432,
            Database = Uri.UnescapeDataString(url.AbsolutePath[1..]),
            Username = Uri.UnescapeDataString(colon < 0 ? url.UserInfo : url.UserInfo[..colon]),
            Password = colon < 0 ? null : Uri.UnescapeDataString(url.UserInfo[(colon + 1)..]),
        };
        foreach (var pair in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var (key, value) = equals < 0 ? (pair, "") : (pair[..equals], Uri.UnescapeDataString(pair[(equals + 1)..]));
            if (key == "sslmode")
            {
                // libpq writes verify-full, Npgsql VerifyFull.
                if (!Enum.TryParse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode))
                {
                    error = $"DATABASE_URL has sslmode={value}; it must be disable, allow, prefer, require, verify-ca or verify-full.";
                    return false;
                }

                builder.SslMode = mode;
            }
            else
            {
                error = $"DATABASE_URL has the parameter {key}; only sslmode is known.";
                return false;
            }
        }

        connection = builder;
        error = "";
        return true;
    }
}
