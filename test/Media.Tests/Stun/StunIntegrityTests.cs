using System.Buffers.Binary;
using System.Security.Cryptography;
using VoiceCluster.Media.Stun;

namespace VoiceCluster.Media.Tests.Stun;

public sealed class StunIntegrityTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(256)]
    public void Compute_KeysOfAllLengths_IsTheHmacWithThatLengthField(int keyLength)
    {
        var random = new Random(keyLength);
        var key = new byte[keyLength];
        random.NextBytes(key);
        for (var size = StunFormat.HeaderSize; size < 200; size += 7)
        {
            var message = new byte[size];
            random.NextBytes(message);
            var actual = new byte[20];
            StunIntegrity.Compute(key, message, 0x1234, actual);
            BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), 0x1234);
            Assert.Equal(HMACSHA1.HashData(key, message), actual);
        }
    }

    [Fact]
    public void Compute_Repeated_AllocatesNothing()
    {
        var (key, message, output) = (new byte[32], new byte[100], new byte[20]);
        StunIntegrity.Compute(key, message, 100, output);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            StunIntegrity.Compute(key, message, 100, output);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
