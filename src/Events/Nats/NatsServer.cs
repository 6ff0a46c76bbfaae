using System.Diagnostics.CodeAnalysis;

namespace VoiceCluster.Events.Nats;

/// <summary>One server of NATS_URL.</summary>
/// <param name="Url">As the client library wants it, with user and password.</param>
/// <param name="IsTls">The connection must be encrypted.</param>
internal sealed record NatsServer(Uri Url, bool IsTls)
{
    private const int DefaultPort = 4222;

    /// <summary>The server as logs may show it.</summary>
    public override string ToString() => $"{Url.Host}:{Url.Port}";

    /// <summary>Reads a list. The error never shows the list: it may hold a password.</summary>
    public static bool TryParseList(string text, out NatsServer[] servers, [NotNullWhen(false)] out string? error)
    {
        servers = [];
        error = null;
        var parts = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
        {
            error = "NATS_URL is empty; it must be nats://host:port or tls://host:port, several by commas.";
            return false;
        }

        var found = new List<NatsServer>(parts.Length);
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[i].Contains("://", StringComparison.Ordinal) ? parts[i] : $"nats://{parts[i]}";
            if (!Uri.TryCreate(part, UriKind.Absolute, out var url)
                || url.Scheme is not ("nats" or "tls")
                || url.Host.Length == 0
                || url.AbsolutePath is not ("" or "/")
                || url.Query.Length > 0)
            {
                error = $"NATS_URL has at place {i + 1} what is no address; it must be nats://user:password@host:port or tls://….";
                return false;
            }

            var builder = new UriBuilder(url) { Port = url.Port > 0 ? url.Port : DefaultPort, Path = "" };
            found.Add(new NatsServer(builder.Uri, url.Scheme == "tls"));
        }

        if (found.DistinctBy(s => s.IsTls).Count() > 1)
        {
            error = "NATS_URL mixes nats:// and tls://; one connection is either.";
            return false;
        }

        servers = [.. found];
        return true;
    }
}
