using VoiceCluster.Media.Net;
using VoiceCluster.Media.Stun;

namespace VoiceCluster.Media.Tests.Stun;

/// <summary>The sample messages of RFC 5769 and the writer's counterparts.</summary>
public class StunVectorTests
{
    /// <summary>RFC 5769 §2.1.</summary>
    public static readonly byte[] Request = Convert.FromHexString(
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
        + "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
        + "80280004e57a3bcf");

    /// <summary>RFC 5769 §2.2.</summary>
    public static readonly byte[] ResponseV4 = Convert.FromHexString(
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
        + "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96");

    /// <summary>RFC 5769 §2.3.</summary>
    public static readonly byte[] ResponseV6 = Convert.FromHexString(
        "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
        + "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c");

    private static readonly byte[] Password = "VOkJxbRl1RmTxUk/WvJxBt"u8.ToArray();

    [Fact]
    public void TryParse_Rfc5769Request_ReadsAllAttributes()
    {
        Assert.True(StunMessage.TryParse(Request, out var message));
        Assert.Equal(StunClass.Request, message.Class);
        Assert.Equal(StunFormat.BindingMethod, message.Method);
        Assert.Equal("evtj:h6vY"u8.ToArray(), message.Username.ToArray());
        Assert.Equal("STUN test client"u8.ToArray(), message.Software.ToArray());
        Assert.Equal(0x6e0001ffu, message.Priority);
        Assert.True(message.IsControlled);
        Assert.Equal(0x932ff9b151263b36ul, message.TieBreaker);
        Assert.True(message.HasFingerprint);
        Assert.True(message.VerifyIntegrity(Password));
        Assert.False(message.VerifyIntegrity("VOkJxbRl1RmTxUk/WvJxBu"u8));
    }

    [Fact]
    public void TryParse_Rfc5769Responses_ReadMappedAddresses()
    {
        Assert.True(StunMessage.TryParse(ResponseV4, out var four));
        Assert.True(four.VerifyIntegrity(Password));
        Assert.True(four.TryGetXorMappedAddress(out var address));
        Assert.Equal("192.0.2.1:32853", address.ToString());

        Assert.True(StunMessage.TryParse(ResponseV6, out var six));
        Assert.True(six.VerifyIntegrity(Password));
        Assert.True(six.TryGetXorMappedAddress(out address));
        Assert.Equal("[2001:db8:1234:5678:11:2233:4455:6677]:32853", address.ToString());
    }

    [Theory]
    [InlineData(0xC0000201u, 1)]
    [InlineData(0x0A000001u, 65535)]
    public void Writer_SuccessResponse_ReadsBack(uint ip, int port)
    {
        var address = TransportAddress.FromIPv4(ip, (ushort)port);
        Span<byte> buffer = stackalloc byte[128];
        var writer = new StunWriter(buffer, StunClass.SuccessResponse, "abcdefghijkl"u8);
        writer.AddXorMappedAddress(address);
        writer.AddIntegrity(Password);
        writer.AddFingerprint();

        Assert.True(StunMessage.TryParse(writer.Written, out var message));
        Assert.Equal(StunClass.SuccessResponse, message.Class);
        Assert.True(message.VerifyIntegrity(Password));
        Assert.True(message.TryGetXorMappedAddress(out var read));
        Assert.Equal(address, read);
    }

    [Fact]
    public void TryParse_AnyByteOfAProtectedRequestChanged_IsRefusedSomewhere()
    {
        for (var at = 0; at < Request.Length; at++)
        {
            var broken = (byte[])Request.Clone();
            broken[at] ^= 0x10;
            Assert.False(StunMessage.TryParse(broken, out var message) && message.VerifyIntegrity(Password) && message.HasFingerprint);
        }
    }

    [Fact]
    public void TryParse_AttributeBehindIntegrity_IsIgnored()
    {
        // RFC 8489 §14.5: whoever appends USE-CANDIDATE to a signed request must gain nothing.
        Span<byte> buffer = stackalloc byte[128];
        var writer = new StunWriter(buffer, StunClass.Request, "abcdefghijkl"u8);
        writer.AddIntegrity(Password);
        writer.Add(StunAttribute.UseCandidate, default);
        Assert.True(StunMessage.TryParse(writer.Written, out var message));
        Assert.False(message.UseCandidate);
    }

    [Fact]
    public void TryParse_UnknownRequiredAttributes_AreListedAndBounded()
    {
        Span<byte> buffer = stackalloc byte[256];
        var writer = new StunWriter(buffer, StunClass.Request, "abcdefghijkl"u8);
        for (ushort type = 0x7000; type < 0x7010; type++)
        {
            writer.Add((StunAttribute)type, default);
        }

        Assert.True(StunMessage.TryParse(writer.Written, out var message));
        Assert.Equal(StunMessage.MaxUnknownAttributes, message.UnknownAttributeCount);
        Assert.Equal(0x7000, message.GetUnknownAttribute(0));
        Assert.Equal(0x7003, message.GetUnknownAttribute(3));
    }
}
