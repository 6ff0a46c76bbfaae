using System.Buffers;
using System.Buffers.Text;

namespace VoiceCluster.Clustering.Resp;

/// <summary>What <see cref="RespReader"/> found.</summary>
public enum RespReadStatus
{
    /// <summary>The reply is not whole yet; nothing was taken.</summary>
    NeedMore,

    /// <summary>A reply was read, and its bytes are taken from the buffer.</summary>
    Value,

    /// <summary>It is not RESP, or it is larger than allowed. The connection is of no more use.</summary>
    Malformed,
}

/// <summary>
/// Reads replies in RESP2 and RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/). It holds no state and
/// no socket: a buffer goes in, replies come out. Lengths are checked before anything is allocated for them.
/// </summary>
public static class RespReader
{
    /// <summary>Bytes of one reply, all in all.</summary>
    public const int MaxReplyBytes = 16 * 1024 * 1024;

    /// <summary>Values of one reply, all levels together.</summary>
    public const int MaxItems = 65_536;

    /// <summary>Arrays within arrays.</summary>
    public const int MaxDepth = 8;

    /// <summary>Bytes of a line: a length, a number, a simple string or error.</summary>
    public const int MaxLineBytes = 64 * 1024;

    /// <summary>Reads one reply, and moves the buffer's start behind it.</summary>
    public static RespReadStatus TryRead(ref ReadOnlySequence<byte> buffer, out RespValue value)
    {
        var reader = new SequenceReader<byte>(buffer);
        var budget = MaxItems;
        var status = Read(ref reader, 0, ref budget, out value);
        if (status == RespReadStatus.Value)
        {
            buffer = buffer.Slice(reader.Position);
        }
        else if (status == RespReadStatus.NeedMore && buffer.Length >= MaxReplyBytes)
        {
            status = RespReadStatus.Malformed;
        }

        return status;
    }

    private static RespReadStatus Read(ref SequenceReader<byte> reader, int depth, ref int budget, out RespValue value)
    {
        value = RespValue.Null;
        if (depth > MaxDepth || --budget < 0)
        {
            return RespReadStatus.Malformed;
        }

        if (!reader.TryRead(out var type))
        {
            return RespReadStatus.NeedMore;
        }

        var status = TryReadLine(ref reader, out var line);
        if (status != RespReadStatus.Value)
        {
            return status;
        }

        switch ((char)type)
        {
            case '+' or ',' or '(':
                value = RespValue.OfText(line.ToArray());
                return RespReadStatus.Value;
            case '-':
                value = RespValue.OfError(line.ToArray());
                return RespReadStatus.Value;
            case ':':
                if (!TryParse(line, out var number))
                {
                    return RespReadStatus.Malformed;
                }

                value = RespValue.OfInteger(number);
                return RespReadStatus.Value;
            case '#':
                var letter = line.Length == 1 ? (char)line.FirstSpan[0] : ' ';
                value = RespValue.OfInteger(letter == 't' ? 1 : 0);
                return letter is 't' or 'f' ? RespReadStatus.Value : RespReadStatus.Malformed;
            case '_':
                return line.IsEmpty ? RespReadStatus.Value : RespReadStatus.Malformed;
            case '$' or '!' or '=':
                return ReadBulk(ref reader, (char)type, line, out value);
            case '*' or '~' or '%' or '>':
                return ReadItems(ref reader, (char)type, line, depth, ref budget, out value);
            case '|':
                // Attributes stand before the reply that they describe; we asked for none, and pass over them.
                status = ReadItems(ref reader, '%', line, depth, ref budget, out _);
                return status == RespReadStatus.Value ? Read(ref reader, depth + 1, ref budget, out value) : status;
            default:
                return RespReadStatus.Malformed;
        }
    }

    private static RespReadStatus ReadBulk(ref SequenceReader<byte> reader, char type, ReadOnlySequence<byte> line, out RespValue value)
    {
        value = RespValue.Null;
        if (!TryParse(line, out var length) || length is < -1 or > MaxReplyBytes)
        {
            return RespReadStatus.Malformed;
        }

        if (length == -1)
        {
            return type == '$' ? RespReadStatus.Value : RespReadStatus.Malformed;
        }

        if (reader.Remaining < length + 2)
        {
            return RespReadStatus.NeedMore;
        }

        var bytes = new byte[length];
        reader.TryCopyTo(bytes);
        reader.Advance(length);
        if (!reader.IsNext("\r\n"u8, advancePast: true))
        {
            return RespReadStatus.Malformed;
        }

        if (type == '=')
        {
            // Verbatim text begins with its format, for instance "txt:".
            if (length < 4 || bytes[3] != (byte)':')
            {
                return RespReadStatus.Malformed;
            }

            bytes = bytes[4..];
        }

        value = type == '!' ? RespValue.OfError(bytes) : RespValue.OfText(bytes);
        return RespReadStatus.Value;
    }

    private static RespReadStatus ReadItems(
        ref SequenceReader<byte> reader, char type, ReadOnlySequence<byte> line, int depth, ref int budget, out RespValue value)
    {
        value = RespValue.Null;
        if (!TryParse(line, out var count) || count is < -1 or > MaxItems)
        {
            return RespReadStatus.Malformed;
        }

        if (count == -1)
        {
            return type == '*' ? RespReadStatus.Value : RespReadStatus.Malformed;
        }

        count = type == '%' ? 2 * count : count;
        if (count > budget)
        {
            return RespReadStatus.Malformed;
        }

        // The smallest value is three bytes: what is not there yet is not allocated for.
        if (reader.Remaining < 3 * count)
        {
            return RespReadStatus.NeedMore;
        }

        var items = new RespValue[count];
        for (var i = 0; i < items.Length; i++)
        {
            var status = Read(ref reader, depth + 1, ref budget, out items[i]);
            if (status != RespReadStatus.Value)
            {
                return status;
            }
        }

        value = RespValue.OfItems(type == '>' ? RespKind.Push : RespKind.Array, items);
        return RespReadStatus.Value;
    }

    private static RespReadStatus TryReadLine(ref SequenceReader<byte> reader, out ReadOnlySequence<byte> line)
    {
        if (reader.TryReadTo(out line, "\r\n"u8))
        {
            return line.Length <= MaxLineBytes ? RespReadStatus.Value : RespReadStatus.Malformed;
        }

        return reader.Remaining <= MaxLineBytes ? RespReadStatus.NeedMore : RespReadStatus.Malformed;
    }

    private static bool TryParse(ReadOnlySequence<byte> line, out long number)
    {
        // A sign and 19 digits.
        Span<byte> digits = stackalloc byte[20];
        number = 0;
        if (line.Length is 0 or > 20)
        {
            return false;
        }

        line.CopyTo(digits);
        var length = (int)line.Length;
        return Utf8Parser.TryParse(digits[..length], out number, out var used) && used == length;
    }
}
