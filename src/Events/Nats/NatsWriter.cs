using System.Buffers;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.Events.Nats;

/// <summary>Writes what a client says to a server.</summary>
internal static class NatsWriter
{
    /// <summary>CONNECT {"option": …}</summary>
    public static void Connect(IBufferWriter<byte> output, string userInfo, bool isTls)
    {
        var colon = userInfo.IndexOf(':', StringComparison.Ordinal);
        string? Part(int from, int to) => to > from ? Uri.UnescapeDataString(userInfo[from..to]) : null;
        var options = new Dictionary<string, object?>
        {
            ["verbose"] = false,
            ["pedantic"] = false,
            ["tls_required"] = isTls,
            ["user"] = colon >= 0 ? Part(0, colon) : null,
            ["pass"] = colon >= 0 ? Part(colon + 1, userInfo.Length) : null,
            ["auth_token"] = colon < 0 ? Part(0, userInfo.Length) : null,
            ["name"] = "voicecluster",
            ["lang"] = "csharp",
            ["version"] = "1.0",
            ["protocol"] = 1,
            ["echo"] = true,
            ["headers"] = true,
            ["no_responders"] = true,
        };
        output.Write("CONNECT "u8);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(options.Where(o => o.Value is not null).ToDictionary()));
        output.Write("\r\n"u8);
    }

    /// <summary>PING</summary>
    public static void Ping(IBufferWriter<byte> output) => output.Write("PING\r\n"u8);

    /// <summary>PONG</summary>
    public static void Pong(IBufferWriter<byte> output) => output.Write("PONG\r\n"u8);

    /// <summary>SUB subject [queue group] sid</summary>
    public static void Subscribe(IBufferWriter<byte> output, string subject, string? queue, long subscription) => Line(
        output, queue is null ? $"SUB {subject} {subscription}" : $"SUB {subject} {queue} {subscription}");

    /// <summary>PUB subject [reply-to] bytes, or HPUB subject [reply-to] header-bytes bytes when there is a message id.</summary>
    public static void Publish(IBufferWriter<byte> output, in NatsPublication publication, bool withHeaders)
    {
        var replyTo = publication.ReplyTo is { } reply ? $"{reply} " : "";
        var bytes = publication.Payload.Length;
        if (withHeaders && publication.MessageId is { } id)
        {
            var headers = $"NATS/1.0\r\nNats-Msg-Id: {id}\r\n\r\n";
            Line(output, $"HPUB {publication.Subject} {replyTo}{headers.Length} {headers.Length + bytes}");
            Encoding.ASCII.GetBytes(headers, output);
        }
        else
        {
            Line(output, $"PUB {publication.Subject} {replyTo}{bytes}");
        }

        output.Write(publication.Payload.Span);
        output.Write("\r\n"u8);
    }

    /// <summary>A subject without wildcards that cannot end the line it stands on.</summary>
    public static bool IsSubject(string subject) =>
        subject.Length is > 0 and <= 255 && !subject.AsSpan().ContainsAny(" \t\r\n*>\0") && !subject.StartsWith('.') && !subject.EndsWith('.');

    private static void Line(IBufferWriter<byte> output, string line)
    {
        Encoding.UTF8.GetBytes(line, output);
        output.Write("\r\n"u8);
    }
}
