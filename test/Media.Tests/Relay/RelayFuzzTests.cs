using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Tests.Fuzzing;

namespace VoiceCluster.Media.Tests.Relay;

public sealed class RelayFuzzTests : IDisposable
{
    private readonly RelayNetwork _network = new();

    public void Dispose() => _network.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RelayPort_WithMutatedPackets_NeverThrowsNorSendsToStrangers(bool encrypted)
    {
        var alice = _network.JoinSpeaking(encrypted);
        var bob = _network.JoinSpeaking();
        bob.Hear(alice.Producer!, alice.User);
        var seeds = new List<byte[]>
        {
            alice.StartPacket(), alice.AudioPacket(RelayPeer.Frame(1)), alice.SilencePacket(), alice.StopPacket(), alice.PingPacket(4), new byte[60],
        };
        var stranger = _network.NewAddress();
        seeds.ForEach(alice.Send);
        Fuzz.Run(seeds, input => _network.Worker.ReceiveRelay(input, stranger, _network.Now));
        Fuzz.Run(seeds, input => _network.Worker.ReceiveRelay(input, alice.Address, _network.Now), seed: 2);

        // In the clear, who has the session and a later time is believed, wherever he is; encrypted, nobody without the key.
        Assert.True(!encrypted || _network.Sent.TrueForAll(s => s.To != stranger));
        _network.Run(2_000_000);
    }

    [Fact]
    public void RelayClient_WithMutatedPackets_NeverThrows()
    {
        var alice = _network.JoinSpeaking(encrypted: true);
        var bob = _network.JoinSpeaking();
        alice.Hear(bob.Producer!, bob.User);
        bob.Speak(5);
        _network.Run(3_000_000);
        var seeds = _network.Sent.Where(s => s.To == alice.Address).Select(s => s.Bytes).Take(10).ToArray();

        Fuzz.Run(seeds, input => alice.Client.TryRead(input, out _, out _));
    }
}
