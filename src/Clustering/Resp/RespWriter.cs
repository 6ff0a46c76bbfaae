using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace VoiceCluster.Clustering.Resp;

/// <summary>Writes commands: an array of bulk strings, the same in RESP2 and RESP3.</summary>
public static class RespWriter
{
    /// <summary>Appends a command, for instance <c>*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n</c>.</summary>
    public static void WriteCommand(IBufferWriter<byte> output, params ReadOnlySpan<string> words)
    {
        WriteLength(output, '*', words.Length);
        foreach (var word in words)
        {
            var length = Encoding.UTF8.GetByteCount(word);
            WriteLength(output, '$', length);
            Encoding.UTF8.GetBytes(word, output);
            output.Write("\r\n"u8);
        }
    }

    private static void WriteLength(IBufferWriter<byte> output, char type, int length)
    {
        var span = output.GetSpan(16);
        span[0] = (byte)type;
        Utf8Formatter.TryFormat(length, span[1..], out var digits);
        "\r\n"u8.CopyTo(span[(1 + digits)..]);
        output.Advance(digits + 3);
    }
}
