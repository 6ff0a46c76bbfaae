using System.Buffers;
using VoiceCluster.Clustering.Resp;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Clustering.Tests.Resp;

/// <summary>Random changes to real replies and addresses: never an exception, never more taken than there is.</summary>
public sealed class RespFuzzTests
{
    private static readonly byte[][] Replies =
    [
        "+OK\r\n"u8.ToArray(),
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n"u8.ToArray(),
        "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n$7\r\nmodules\r\n*0\r\n"u8.ToArray(),
        "*6\r\n$7\r\nversion\r\n$8\r\n12 a1b2c\r\n$21\r\nrow 127.0.0.1:11111@7\r\n$16\r\na1b2c {\"Status\":3}\r\n$3\r\nnew\r\n_\r\n"u8.ToArray(),
        "*3\r\n$2\r\nhi\r\n$-1\r\n*-1\r\n"u8.ToArray(),
        ">3\r\n+invalidate\r\n*1\r\n$1\r\na\r\n#t\r\n"u8.ToArray(),
        "|1\r\n+ttl\r\n:60\r\n=7\r\ntxt:abc\r\n"u8.ToArray(),
        "~2\r\n,3.25\r\n(123456789012345678901234567890\r\n!3\r\nERR\r\n"u8.ToArray(),
    ];

    private static readonly byte[][] Addresses =
    [
        "redis://user:p%40ss@example.com:6380/3"u8.ToArray(),
        "rediss://:secret@[::1]:6379"u8.ToArray(),
        "redis.example:6379,password=secret,ssl=true,sslHost=r,defaultDatabase=2,abortConnect=false"u8.ToArray(),
        "[2001:db8::1]:6379,user=a"u8.ToArray(),
    ];

    [Fact]
    public void Reader_MutatedReplies_NeverThrows()
    {
        var values = 0;
        Fuzz.Run(Replies, input =>
        {
            var buffer = new ReadOnlySequence<byte>(input.ToArray());
            var length = buffer.Length;
            RespReadStatus status;
            while ((status = RespReader.TryRead(ref buffer, out var value)) == RespReadStatus.Value)
            {
                Assert.True(buffer.Length < length);
                length = buffer.Length;
                values++;
                _ = value.ToString();
            }

            Assert.Equal(length, buffer.Length);
        });

        // A fuzz that gets nothing past the first check would test only that check.
        Assert.True(values > Fuzz.Iterations / 4, $"{values} of {Fuzz.Iterations}");
    }

    [Fact]
    public void Address_MutatedText_NeverThrows()
    {
        var accepted = 0;
        Fuzz.Run(Addresses, input =>
        {
            if (RedisAddress.TryParse(System.Text.Encoding.UTF8.GetString(input), out var address, out var error))
            {
                accepted++;
                Assert.True(RedisAddress.TryParse(address.ToConfigurationString(), out _, out error), error);
            }
            else
            {
                Assert.NotEmpty(error);
            }
        });
        Assert.True(accepted > Fuzz.Iterations / 10, $"{accepted} of {Fuzz.Iterations}");
    }
}
