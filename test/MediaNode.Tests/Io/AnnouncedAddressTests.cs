using System.Net;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Tests.Io;

public sealed class AnnouncedAddressTests
{
    private static readonly InterfaceAddress[] Machine =
    [
        Address("lo", "127.0.0.1", isLoopback: true),
        Address("docker0", "172.17.0.1", hasGateway: true),
        Address("br-12ab", "172.18.0.1", hasGateway: true),
        Address("veth33", "10.9.9.9"),
        Address("eth1", "169.254.3.4", hasGateway: true),
        Address("eth2", "192.168.7.7"),
        Address("eth0", "fe80::1", hasGateway: true),
        Address("eth0", "2001:db8::5", hasGateway: true),
        Address("eth0", "203.0.113.5", hasGateway: true),
    ];

    [Fact]
    public void Choose_Configured_Wins() =>
        Assert.Equal("198.51.100.1", $"{AnnouncedAddress.Choose(IPAddress.Any, IPAddress.Parse("198.51.100.1"), Machine)}");

    [Fact]
    public void Choose_ListeningOnOneAddress_IsThatAddress() =>
        Assert.Equal(IPAddress.Loopback, AnnouncedAddress.Choose(IPAddress.Loopback, null, Machine));

    [Fact]
    public void Choose_ListeningOnAll_SkipsBridgesAndLinkLocal()
    {
        Assert.Equal("203.0.113.5", $"{AnnouncedAddress.Choose(IPAddress.Any, null, Machine)}");
        Assert.Equal("192.168.7.7", $"{AnnouncedAddress.Choose(IPAddress.Any, null, Machine[..6])}");
    }

    [Fact]
    public void Choose_NothingToTell_IsNull() => Assert.Null(AnnouncedAddress.Choose(IPAddress.Any, null, Machine[..5]));

    [Fact]
    public void Choose_OnlyIPv6_IsForIPv6ListenersOnly()
    {
        Assert.Equal("2001:db8::5", $"{AnnouncedAddress.Choose(IPAddress.IPv6Any, null, [Machine[7]])}");
        Assert.Null(AnnouncedAddress.Choose(IPAddress.Any, null, [Machine[7]]));
    }

    private static InterfaceAddress Address(string name, string address, bool hasGateway = false, bool isLoopback = false) =>
        new(name, IPAddress.Parse(address), hasGateway, isLoopback);
}
