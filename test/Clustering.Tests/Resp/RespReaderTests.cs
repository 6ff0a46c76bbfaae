using System.Buffers;
using System.Text;
using VoiceCluster.Clustering.Resp;

namespace VoiceCluster.Clustering.Tests.Resp;

public sealed class RespReaderTests
{
    [Theory]
    [InlineData("+OK\r\n", "OK")]
    [InlineData("$0\r\n\r\n", "")]
    [InlineData("$7\r\na\r\nb\0cd\r\n", "a\r\nb\0cd")]
    [InlineData("=7\r\ntxt:abc\r\n", "abc")]
    [InlineData(",3.14\r\n", "3.14")]
    [InlineData(",inf\r\n", "inf")]
    [InlineData("(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385")]
    [InlineData("|1\r\n+ttl\r\n:60\r\n$2\r\nhi\r\n", "hi")]
    public void Text_OfEveryKind_IsRead(string input, string expected)
    {
        var value = Read(input);
        Assert.Equal((RespKind.Text, expected), (value.Kind, value.Text));
    }

    [Theory]
    [InlineData(":-42\r\n", -42)]
    [InlineData(":+7\r\n", 7)]
    [InlineData(":9223372036854775807\r\n", long.MaxValue)]
    [InlineData(":-9223372036854775808\r\n", long.MinValue)]
    [InlineData("#t\r\n", 1)]
    [InlineData("#f\r\n", 0)]
    public void Integers_AndBooleans_AreRead(string input, long expected)
    {
        var value = Read(input);
        Assert.Equal((RespKind.Integer, expected), (value.Kind, value.Integer));
    }

    [Theory]
    [InlineData("$-1\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("_\r\n")]
    public void Nulls_OfEveryKind_AreRead(string input) => Assert.Equal(RespKind.Null, Read(input).Kind);

    [Theory]
    [InlineData("-ERR no\r\n")]
    [InlineData("!6\r\nERR no\r\n")]
    public void Errors_AreRead(string input)
    {
        var value = Read(input);
        Assert.Equal((RespKind.Error, "ERR no"), (value.Kind, value.Text));
    }

    [Theory]
    [InlineData("*2\r\n$1\r\na\r\n:1\r\n", RespKind.Array)]
    [InlineData("~2\r\n$1\r\na\r\n:1\r\n", RespKind.Array)]
    [InlineData("%1\r\n$1\r\na\r\n:1\r\n", RespKind.Array)]
    [InlineData(">2\r\n$1\r\na\r\n:1\r\n", RespKind.Push)]
    public void Collections_AreRead_MapsAsPairs(string input, RespKind kind)
    {
        var value = Read(input);
        Assert.Equal((kind, 2, "a", 1), (value.Kind, value.Items.Count, value.Items[0].Text, value.Items[1].Integer));
    }

    [Fact]
    public void Reply_ThatArrivesByteByByte_IsReadWhenItIsWhole()
    {
        var bytes = "*3\r\n$5\r\nhello\r\n*1\r\n:12\r\n_\r\n"u8.ToArray();
        for (var length = 0; length < bytes.Length; length++)
        {
            var part = Segments(bytes[..length]);
            Assert.Equal(RespReadStatus.NeedMore, RespReader.TryRead(ref part, out _));
            Assert.Equal(length, part.Length);
        }

        var whole = Segments(bytes);
        Assert.Equal(RespReadStatus.Value, RespReader.TryRead(ref whole, out var value));
        Assert.Equal(("hello", 12, RespKind.Null), (value.Items[0].Text, value.Items[1].Items[0].Integer, value.Items[2].Kind));
        Assert.True(whole.IsEmpty);
    }

    [Fact]
    public void Replies_InOneBuffer_AreReadOneByOne()
    {
        var buffer = new ReadOnlySequence<byte>("+a\r\n:2\r\n$1"u8.ToArray());
        Assert.Equal(RespReadStatus.Value, RespReader.TryRead(ref buffer, out var first));
        Assert.Equal(RespReadStatus.Value, RespReader.TryRead(ref buffer, out var second));
        Assert.Equal(RespReadStatus.NeedMore, RespReader.TryRead(ref buffer, out _));
        Assert.Equal(("a", 2, 2), (first.Text, second.Integer, buffer.Length));
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$x\r\n")]
    [InlineData("$\r\n")]
    [InlineData("$16777217\r\n")]
    [InlineData("$99999999999999999999\r\n")]
    [InlineData("$1\r\nabc")]
    [InlineData("=2\r\nab\r\n")]
    [InlineData("!-1\r\n")]
    [InlineData("*65537\r\n")]
    [InlineData("%40000\r\n")]
    [InlineData("*-3\r\n")]
    [InlineData("~-1\r\n")]
    [InlineData(":\r\n")]
    [InlineData(":1x\r\n")]
    [InlineData("#yes\r\n")]
    [InlineData("_1\r\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n")]
    [InlineData("|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n|1\r\n:1\r\n:1\r\n:1\r\n")]
    public void Input_ThatIsNoReplyOrTooLarge_IsMalformed(string input)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(input));
        var length = buffer.Length;
        Assert.Equal(RespReadStatus.Malformed, RespReader.TryRead(ref buffer, out _));
        Assert.Equal(length, buffer.Length);
    }

    [Fact]
    public void Line_WithoutEnd_IsMalformedPastTheBound()
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes("+" + new string('a', RespReader.MaxLineBytes + 1)));
        Assert.Equal(RespReadStatus.Malformed, RespReader.TryRead(ref buffer, out _));
    }

    [Fact]
    public void Items_InManyArrays_AreBoundedTogether()
    {
        // Each array is within the bound; all of them are not.
        var inner = "*9999\r\n" + string.Concat(Enumerable.Repeat("_\r\n", 9_999));
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes("*7\r\n" + string.Concat(Enumerable.Repeat(inner, 7))));
        Assert.Equal(RespReadStatus.Malformed, RespReader.TryRead(ref buffer, out _));
    }

    [Fact]
    public void Array_AnnouncedButNotThere_IsNotAllocatedFor()
    {
        var bytes = "*65000\r\n"u8.ToArray();
        var before = Allocations.Begin();
        var buffer = new ReadOnlySequence<byte>(bytes);
        Assert.Equal(RespReadStatus.NeedMore, RespReader.TryRead(ref buffer, out _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void Command_IsAnArrayOfBulkStrings()
    {
        var output = new ArrayBufferWriter<byte>();
        RespWriter.WriteCommand(output, "ECHO", "", "grüß\r\n");
        Assert.Equal("*3\r\n$4\r\nECHO\r\n$0\r\n\r\n$8\r\ngrüß\r\n\r\n", Encoding.UTF8.GetString(output.WrittenSpan));
    }

    private static RespValue Read(string input)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(input));
        Assert.Equal(RespReadStatus.Value, RespReader.TryRead(ref buffer, out var value));
        Assert.True(buffer.IsEmpty);
        return value;
    }

    /// <summary>Every byte in a segment of its own, as a slow network would have it.</summary>
    private static ReadOnlySequence<byte> Segments(byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return default;
        }

        var first = new Segment(bytes.AsMemory(0, 1), 0);
        var last = first;
        for (var i = 1; i < bytes.Length; i++)
        {
            last = last.Append(bytes.AsMemory(i, 1));
        }

        return new ReadOnlySequence<byte>(first, 0, last, 1);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
