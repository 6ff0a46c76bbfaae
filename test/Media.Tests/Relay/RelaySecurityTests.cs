using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Media.Tests.Relay;

/// <summary>What is forged, replayed or altered: none of it is forwarded, each is counted, and nobody unproved is sent anything.</summary>
public sealed class RelaySecurityTests : IDisposable
{
    private readonly RelayNetwork _network = new(new RelaySettings { Silence = 3_600_000_000 });
    private readonly TransportAddress _stranger;

    public RelaySecurityTests() => _stranger = _network.NewAddress();

    public static TheoryData<bool> Both => [false, true];

    public void Dispose() => _network.Dispose();

    [Theory]
    [MemberData(nameof(Both))]
    public void Forged_PacketsOfEveryKind_AreCountedAndGoNowhere(bool encrypted)
    {
        var (alice, bob) = Conversation(encrypted);
        var unborn = _network.Join(encrypted);
        unborn.Produce();
        alice.Speak(10);
        Assert.Equal(10, bob.Received().Length);
        var recorded = alice.AudioPacket(RelayPeer.Frame(10));
        alice.Send(recorded);
        var start = alice.StartPacket();
        alice.Send(start);
        var before = bob.Received().Length;

        Forge(DropReason.RelayAddress, alice.AudioPacket(RelayPeer.Frame(11)), _stranger);
        Forge(DropReason.RelayReplay, recorded, alice.Address);
        Forge(DropReason.RelayReplay, start, alice.Address);
        Forge(DropReason.RelayReplay, start, _stranger);
        Forge(DropReason.RelayUnknown, With(alice.AudioPacket(RelayPeer.Frame(12)), 3, 0x55), alice.Address);
        Forge(DropReason.RelayUnknown, With(alice.AudioPacket(RelayPeer.Frame(13)), 20, 0x55), alice.Address);
        Forge(DropReason.RelayUnproved, unborn.AudioPacket(RelayPeer.Frame(0)), unborn.Address);
        Forge(DropReason.RelayMalformed, [1, 2, 3], _stranger);
        Forge(DropReason.UnknownSource, unborn.StartPacket(), _stranger with { Port = 0 });
        Forge(DropReason.RelayMalformed, new byte[1_600], _stranger);

        // A member of the channel in another's name: from his own, proved address.
        Forge(DropReason.RelayAddress, alice.AudioPacket(RelayPeer.Frame(14)), bob.Address);

        // With the right names, but a session or a key of his own.
        using var thief = new RelayClient(alice.User, _network.Channel, bob.Session, encrypted ? bob.Key : null);
        var buffer = new byte[200];
        Forge(encrypted ? DropReason.RelayAuthentication : DropReason.RelaySession, buffer[..thief.WriteStart(buffer, alice.Clock + 1_000_000)], _stranger);
        if (encrypted)
        {
            for (var at = 32; at < 60; at++)
            {
                // Any bit, in the header or behind it; the type byte's own bit makes it a plain packet.
                Forge(
                    at is 36 or 44 ? DropReason.RelayMalformed : DropReason.RelayAuthentication,
                    With(alice.AudioPacket(RelayPeer.Frame(15)), at, at is 36 or 44 ? (byte)0x7F : (byte)0x01, flip: true, high: at == 36),
                    alice.Address);
            }

            using var plain = new RelayClient(alice.User, _network.Channel, alice.Session, null);
            Forge(DropReason.RelayAuthentication, buffer[..plain.WriteAudio(buffer, RelayPeer.Frame(1), alice.Clock + 1_000_000)], alice.Address);
            Forge(DropReason.RelayAuthentication, buffer[..plain.WriteStart(buffer, alice.Clock + 2_000_000)], _stranger);
        }

        Assert.Equal(before, bob.Received().Length);
        alice.Speak(5, 30);
        Assert.Equal(before + 5, bob.Received().Length);
        Assert.Equal(alice.Address, alice.Transport.RemoteAddress);
        Assert.DoesNotContain(_network.Sent, s => s.To != alice.Address && s.To != bob.Address);
    }

    [Fact]
    public void Late_Packets_AreExpired_AndReorderedOnesAreNot()
    {
        var (alice, bob) = Conversation(false);
        alice.Speak(5);
        var late = alice.AudioPacket(RelayPeer.Frame(5));
        _network.Run(20_000);
        var later = alice.AudioPacket(RelayPeer.Frame(6));
        _network.Run(20_000);
        alice.Speak(1, 7);
        alice.Send(later);
        Assert.Equal(7, bob.Received().Length);

        _network.Run(700_000);
        alice.Speak(1, 8);
        Forge(DropReason.RelayExpired, late, alice.Address);
        Assert.Equal(8, bob.Received().Length);
        Assert.Equal(1, _network.Router.DescribeAudio().Totals.Expired);
    }

    [Fact]
    public void Restart_OfTheClientsNumbers_IsTaken_ButNothingFromBeforeIt()
    {
        var (alice, bob) = Conversation(true);
        alice.Speak(20);
        var old = alice.AudioPacket(RelayPeer.Frame(20));
        _network.Run(20_000);
        using var again = new RelayClient(alice.User, _network.Channel, alice.Session, alice.Key);
        var buffer = new byte[200];
        var address = _network.NewAddress();
        _network.Deliver(buffer[..again.WriteStart(buffer, alice.Clock)], address);
        _network.Run(20_000);
        _network.Deliver(buffer[..again.WriteAudio(buffer, RelayPeer.Frame(99), alice.Clock)], address);

        Assert.Equal(RelayPeer.Frame(99), bob.Received()[^1].Payload);
        Forge(DropReason.RelayReplay, old, address);
        Assert.Equal(21, bob.Received().Length);
    }

    [Fact]
    public void Flood_OfJunk_LeavesTheVoiceWhole()
    {
        var (alice, bob) = Conversation(true);
        var random = new Random(5);
        for (var i = 0; i < 200_000; i++)
        {
            if (i % 1_000 == 0)
            {
                alice.Speak(1, i / 1_000);
            }

            var junk = new byte[random.Next(0, 120)];
            random.NextBytes(junk);
            if (i % 3 == 0)
            {
                alice.AudioPacket(RelayPeer.Frame(0)).AsSpan(0, Math.Min(32, junk.Length)).CopyTo(junk);
            }

            _network.Deliver(junk, i % 2 == 0 ? _stranger : alice.Address);
        }

        Assert.Equal(200, bob.Received().Length);
        Assert.DoesNotContain(_network.Sent, s => s.To == _stranger);
    }

    /// <summary>A packet of a reason: counted once, and answered by nothing.</summary>
    private void Forge(DropReason reason, byte[] datagram, TransportAddress from)
    {
        var (count, sent) = (_network.Dropped(reason), _network.Sent.Count(s => s.To == from && s.To == _stranger));
        _network.Deliver(datagram, from);
        Assert.True(count + 1 == _network.Dropped(reason), $"{reason} was not counted for {Convert.ToHexString(datagram)}.");
        Assert.Equal(sent, _network.Sent.Count(s => s.To == from && s.To == _stranger));
    }

    private (RelayPeer Alice, RelayPeer Bob) Conversation(bool encrypted)
    {
        var alice = _network.JoinSpeaking(encrypted);
        var bob = _network.JoinSpeaking(encrypted);
        bob.Hear(alice.Producer!, alice.User);
        return (alice, bob);
    }

    private static byte[] With(byte[] packet, int at, byte value, bool flip = false, bool high = false)
    {
        var changed = packet.ToArray();
        changed[at] = high ? (byte)(changed[at] | 0x80) : flip ? (byte)(changed[at] ^ value) : value;
        return changed;
    }
}
