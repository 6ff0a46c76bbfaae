namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>One direction of a network in virtual time: random loss, a base delay and jitter that reorders. What comes at one time comes as it was sent.</summary>
internal sealed class SimulatedLink(Random random, double loss, long delay, long jitter)
{
    private readonly PriorityQueue<(byte[] Packet, bool IsRtcp), (long At, int Order)> _inFlight = new();

    public int Sent { get; private set; }

    public int Lost { get; private set; }

    public void Send(ReadOnlySpan<byte> packet, bool isRtcp, long now)
    {
        Sent++;
        if (random.NextDouble() < loss)
        {
            Lost++;
            return;
        }

        _inFlight.Enqueue((packet.ToArray(), isRtcp), (now + delay + random.NextInt64(0, jitter + 1), Sent));
    }

    public bool TryReceive(long now, out byte[] packet, out bool isRtcp)
    {
        packet = [];
        isRtcp = false;
        if (!_inFlight.TryPeek(out var next, out var due) || due.At > now)
        {
            return false;
        }

        _inFlight.Dequeue();
        (packet, isRtcp) = next;
        return true;
    }
}
