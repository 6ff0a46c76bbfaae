using System.Buffers;
using System.Text;
using VoiceCluster.Events.Nats;

namespace VoiceCluster.Events.Tests.Nats;

public sealed class NatsProtocolTests
{
    [Fact]
    public void Read_MessagesInAnyPieces_GivesTheSameFrames()
    {
        var bytes = Encoding.UTF8.GetBytes(
            "INFO {\"max_payload\":9}\r\nPING\r\n+OK\r\nMSG a.b 7 5\r\nhe\r\no\r\nMSG a.b 8 _INBOX.x 0\r\n\r\n"
            + "HMSG a 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\nHMSG a 9 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n-ERR 'Some Violation'\r\nPONG\r\n");
        foreach (var size in Enumerable.Range(1, bytes.Length))
        {
            var frames = new List<NatsFrame>();
            var held = new List<byte>();
            foreach (var piece in bytes.Chunk(size))
            {
                held.AddRange(piece);
                var buffer = new ReadOnlySequence<byte>(held.ToArray());
                while (NatsParser.Read(ref buffer) is { Kind: not NatsFrameKind.Incomplete } frame)
                {
                    frames.Add(frame);
                }

                held = [.. buffer.ToArray()];
            }

            Assert.Equal(
                [
                    "Info {\"max_payload\":9}", "Ping", "Ok", "Message 7 a.b  he\r\no", "Message 8 a.b _INBOX.x ", "Message 9 a  !",
                    "Message 9 a r hi", "Error Some Violation", "Pong",
                ],
                frames.Select(Describe));
        }
    }

    [Theory]
    [InlineData("HELLO\r\n")]
    [InlineData("MSG a 1\r\n")]
    [InlineData("MSG a 1 -1\r\n")]
    [InlineData("MSG a x 1\r\n")]
    [InlineData("MSG a 1 99999999999999999999\r\n")]
    [InlineData("MSG a 1 8388609\r\n")]
    [InlineData("MSG a 1 r s 1\r\n")]
    [InlineData("HMSG a 1 5 4\r\n")]
    [InlineData("HMSG a 1 4\r\n")]
    [InlineData("MSG a 1 1\r\nabc")]
    public void Read_WhatIsNoNats_IsInvalid(string text)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text));
        Assert.Equal(NatsFrameKind.Invalid, NatsParser.Read(ref buffer).Kind);
    }

    [Fact]
    public void Read_ALineWithoutEnd_IsInvalidPastTheBound()
    {
        var buffer = new ReadOnlySequence<byte>(new byte[NatsParser.MaxLine + 1]);
        Assert.Equal(NatsFrameKind.Invalid, NatsParser.Read(ref buffer).Kind);
    }

    [Fact]
    public void Read_RandomBytes_NeverThrows()
    {
        var random = new Random(7);
        byte[][] seeds = [.. new[] { "MSG a 1 5\r\nhello\r\n", "HMSG a 1 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "INFO {}\r\n", "-ERR 'x'\r\n" }.Select(Encoding.UTF8.GetBytes)];
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (byte[])seeds[random.Next(seeds.Length)].Clone();
            for (var flips = random.Next(4); flips >= 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var buffer = new ReadOnlySequence<byte>(bytes);
            var left = buffer.Length;
            while (NatsParser.Read(ref buffer) is { Kind: not (NatsFrameKind.Incomplete or NatsFrameKind.Invalid) })
            {
                Assert.True(buffer.Length < left);
                left = buffer.Length;
            }
        }
    }

    [Fact]
    public void Publish_WithAndWithoutHeaders_IsAsTheProtocolSays()
    {
        var output = new ArrayBufferWriter<byte>();
        var publication = new NatsPublication("a.b", "hi"u8.ToArray(), "_INBOX.1", "id-1");
        NatsWriter.Publish(output, publication, withHeaders: true);
        NatsWriter.Publish(output, publication with { ReplyTo = null }, withHeaders: false);
        Assert.Equal(
            "HPUB a.b _INBOX.1 31 33\r\nNATS/1.0\r\nNats-Msg-Id: id-1\r\n\r\nhi\r\nPUB a.b 2\r\nhi\r\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData("call.ringing", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a\r\nPUB x 0", false)]
    [InlineData("a.*", false)]
    [InlineData("a.>", false)]
    [InlineData(".a", false)]
    public void IsSubject_Text_IsJudged(string subject, bool isSubject) => Assert.Equal(isSubject, NatsWriter.IsSubject(subject));

    [Theory]
    [InlineData("""{"stream":"S","seq":7}""", true, null)]
    [InlineData("""{"stream":"S","seq":7,"duplicate":true}""", true, null)]
    [InlineData("""{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"S","seq":0}""", true, "maximum messages exceeded")]
    [InlineData("""{"error":{"code":503}}""", true, """{"code":503}""")]
    [InlineData("""{"ok":true}""", false, null)]
    [InlineData("""{"stream":7,"seq":7}""", false, null)]
    [InlineData("[]", false, null)]
    [InlineData("", false, null)]
    [InlineData("+OK", false, null)]
    public void TryParse_AnswersOfStreams_AreToldFromOthers(string json, bool isAck, string? error)
    {
        Assert.Equal(isAck, JetStreamAck.TryParse(Encoding.UTF8.GetBytes(json), out var ack));
        Assert.Equal(error, ack.Error);
    }

    private static string Describe(NatsFrame frame) => frame.Kind switch
    {
        NatsFrameKind.Message =>
            $"Message {frame.Subscription} {frame.Message.Subject} {frame.Message.ReplyTo} "
            + (frame.Message.HasNoResponders ? "!" : Encoding.UTF8.GetString(frame.Message.Payload.Span)),
        NatsFrameKind.Info or NatsFrameKind.Error => $"{frame.Kind} {frame.Text}",
        _ => frame.Kind.ToString(),
    };
}
