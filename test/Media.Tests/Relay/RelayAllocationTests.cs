using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Media.Tests.Relay;

public sealed class RelayAllocationTests : IDisposable
{
    private const int Listeners = 10;

    private readonly RelayNetwork _network = new();

    public void Dispose() => _network.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forwarding_100000PacketsToTenNativeClients_AllocatesNothing(bool encrypted)
    {
        var alice = _network.JoinSpeaking(encrypted);
        for (var i = 0; i < Listeners; i++)
        {
            var listener = _network.Join(encrypted);
            listener.Start();
            listener.Hear(alice.Producer!, alice.User);
        }

        var stranger = _network.NewAddress();
        var buffer = new byte[Datagram.MaxSize];
        var frame = RelayPeer.Frame(1);
        _network.IsUnplugged = true;
        Speak(4_000);
        var (sent, before) = (_network.SentUnplugged, Allocations.Begin());
        Speak(10_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(_network.SentUnplugged - sent >= 10_000 * Listeners);
        Assert.Equal(0, allocated);

        void Speak(int frames)
        {
            for (var i = 0; i < frames; i++)
            {
                var length = alice.Client.WriteAudio(buffer, frame, alice.Clock);
                _network.Worker.ReceiveRelay(buffer.AsSpan(0, length), alice.Address, _network.Now);
                _network.Worker.ReceiveRelay(buffer.AsSpan(0, length), stranger, _network.Now);

                // Short of the listeners' silence, which would end their proof.
                _network.Run(2_000);
            }
        }
    }
}
