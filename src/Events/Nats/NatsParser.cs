using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace VoiceCluster.Events.Nats;

/// <summary>
/// Reads the client protocol of NATS (docs.nats.io, "NATS protocol"): lines that end in CR LF, and after MSG and HMSG as
/// many bytes as they say. It trusts no length: lines and messages past the bounds are <see cref="NatsFrameKind.Invalid"/>.
/// </summary>
internal static class NatsParser
{
    /// <summary>INFO names all servers of a cluster; nothing else comes near.</summary>
    public const int MaxLine = 64 * 1024;

    /// <summary>What a server sends at most is its max_payload, 1 MiB by default; more than this is not meant for us.</summary>
    public const int MaxMessage = 8 * 1024 * 1024;

    private static readonly byte[] LineEnd = "\r\n"u8.ToArray();

    /// <summary>Takes one frame from the buffer; an incomplete one leaves it as it is.</summary>
    public static NatsFrame Read(ref ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> line, LineEnd))
        {
            return new NatsFrame(buffer.Length > MaxLine ? NatsFrameKind.Invalid : NatsFrameKind.Incomplete);
        }

        if (line.Length > MaxLine)
        {
            return new NatsFrame(NatsFrameKind.Invalid);
        }

        var text = Encoding.UTF8.GetString(line);
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        var (verb, rest) = space < 0 ? (text, "") : (text[..space], text[(space + 1)..]);
        var frame = verb.ToUpperInvariant() switch
        {
            "MSG" => ReadMessage(rest, hasHeaders: false, ref reader),
            "HMSG" => ReadMessage(rest, hasHeaders: true, ref reader),
            "PING" => new NatsFrame(NatsFrameKind.Ping),
            "PONG" => new NatsFrame(NatsFrameKind.Pong),
            "+OK" => new NatsFrame(NatsFrameKind.Ok),
            "INFO" => new NatsFrame(NatsFrameKind.Info, rest),
            "-ERR" => new NatsFrame(NatsFrameKind.Error, rest.Trim().Trim('\'')),
            _ => new NatsFrame(NatsFrameKind.Invalid),
        };
        if (frame.Kind is not (NatsFrameKind.Incomplete or NatsFrameKind.Invalid))
        {
            buffer = buffer.Slice(reader.Position);
        }

        return frame;
    }

    /// <summary>MSG subject sid [reply-to] bytes; HMSG subject sid [reply-to] header-bytes bytes.</summary>
    private static NatsFrame ReadMessage(string arguments, bool hasHeaders, ref SequenceReader<byte> reader)
    {
        var parts = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var numbers = hasHeaders ? 2 : 1;
        if ((parts.Length != 2 + numbers && parts.Length != 3 + numbers)
            || !TryParse(parts[1], long.MaxValue, out var subscription)
            || !TryParse(parts[^1], MaxMessage, out var total))
        {
            return new NatsFrame(NatsFrameKind.Invalid);
        }

        long headers = 0;
        if (hasHeaders && (!TryParse(parts[^2], MaxMessage, out headers) || headers > total))
        {
            return new NatsFrame(NatsFrameKind.Invalid);
        }

        if (reader.Remaining < total + LineEnd.Length)
        {
            return new NatsFrame(NatsFrameKind.Incomplete);
        }

        var bytes = reader.UnreadSequence.Slice(0, total);
        reader.Advance(total);
        if (!reader.IsNext(LineEnd, advancePast: true))
        {
            return new NatsFrame(NatsFrameKind.Invalid);
        }

        var message = new NatsMessage(
            parts[0],
            parts.Length == 3 + numbers ? parts[2] : null,
            bytes.Slice(headers).ToArray(),
            hasHeaders && IsNoResponders(bytes.Slice(0, headers)));
        return new NatsFrame(NatsFrameKind.Message, "", subscription, message);
    }

    /// <summary>The status line NATS/1.0 503 stands where no one answers a request.</summary>
    private static bool IsNoResponders(ReadOnlySequence<byte> headers)
    {
        var expected = "NATS/1.0 503"u8;
        Span<byte> start = stackalloc byte[expected.Length];
        if (headers.Length < expected.Length)
        {
            return false;
        }

        headers.Slice(0, expected.Length).CopyTo(start);
        return start.SequenceEqual(expected);
    }

    private static bool TryParse(string digits, long most, out long value)
    {
        Span<byte> ascii = stackalloc byte[20];
        value = 0;
        return digits.Length is > 0 and <= 19
            && Encoding.ASCII.TryGetBytes(digits, ascii, out var length)
            && Utf8Parser.TryParse(ascii[..length], out value, out var read)
            && read == digits.Length
            && value >= 0
            && value <= most;
    }
}
