using VoiceCluster.Media.Relay;

namespace VoiceCluster.Media.Tests.Relay;

public sealed class RelayHeaderTests
{
    private static readonly Guid User = new("00010203-0405-0607-0809-0a0b0c0d0e0f");
    private static readonly Guid Channel = new("10111213-1415-1617-1819-1a1b1c1d1e1f");

    [Fact]
    public void Layout_IsBigEndianAndHas51Bytes()
    {
        var header = new RelayHeader
        {
            User = RelayIdentity.ToBytes(User),
            Channel = RelayIdentity.ToBytes(Channel),
            Sequence = 0x20212223,
            Timestamp = 0x2425262728292A2B,
            Type = RelayPacketType.Silence,
            IsEncrypted = true,
            SampleRate = 48_000,
            Channels = 2,
        };
        var bytes = new byte[RelayHeader.Length];
        header.Write(bytes);

        Assert.Equal(
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B830000BB800002", Convert.ToHexString(bytes));
        Assert.True(RelayHeader.TryParse(bytes, out var read));
        Assert.Equal(header, read);
        Assert.Equal((User, Channel), (RelayIdentity.ToGuid(read.User), RelayIdentity.ToGuid(read.Channel)));
    }

    [Theory]
    [InlineData(50, 0, 0)]
    [InlineData(51, 7, 0)]
    [InlineData(51, 0x87, 0)]
    [InlineData(51, 0, 0x80)]
    public void TryParse_OfWhatHasNoMeaning_IsFalse(int length, byte type, byte timestamp)
    {
        var bytes = new byte[length];
        bytes[36] = timestamp;
        if (length > 44)
        {
            bytes[44] = type;
        }

        Assert.False(RelayHeader.TryParse(bytes, out _));
    }

    /// <summary>AES-128-GCM by the framework, with the nonce of the document, opens what the relay seals.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Cipher_IsTheDocumentedOne(bool isServer)
    {
        var key = Enumerable.Range(1, 16).Select(i => (byte)i).ToArray();
        byte[] payload = [9, 8, 7, 6, 5];
        var packet = new byte[100];
        new RelayHeader { User = 1, Channel = 2, Sequence = 3, Timestamp = 4, IsEncrypted = true, SampleRate = 48_000, Channels = 2 }.Write(packet);
        payload.CopyTo(packet, RelayHeader.Length);
        using var cipher = new RelayCipher(key, isServer);
        var length = cipher.Seal(packet, RelayHeader.Length + payload.Length);

        Assert.Equal(RelayHeader.Length + payload.Length + 16, length);
        var nonce = packet[32..44];
        nonce[4] |= (byte)(isServer ? 0x80 : 0);
        using var reference = new System.Security.Cryptography.AesGcm(key, 16);
        var opened = new byte[payload.Length];
        reference.Decrypt(nonce, packet.AsSpan(51, 5), packet.AsSpan(56, 16), opened, packet.AsSpan(0, 51));
        Assert.Equal(payload, opened);
        using var other = new RelayCipher(key, !isServer);
        Assert.True(other.TryOpen(packet.AsSpan(0, length), out var plain));
        Assert.Equal(payload, packet[51..plain]);
    }

    [Fact]
    public void Steering_IsTheLastFourBytesModuloTheWorkers()
    {
        Assert.Equal(0x1C1D1E1F % 7, RelaySteering.WorkerOf(Channel, 7));
        Assert.Equal(0, RelaySteering.WorkerOf(Channel, 1));
    }
}
