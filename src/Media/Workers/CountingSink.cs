using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Workers;

/// <summary>The worker's way out: a sink that counts.</summary>
internal sealed class CountingSink(IDatagramSink inner, WorkerStats stats) : IDatagramSink
{
    /// <inheritdoc/>
    public Span<byte> Rent() => inner.Rent();

    /// <inheritdoc/>
    public long Batch => inner.Batch;

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination)
    {
        stats.DatagramsSent++;
        stats.BytesSent += length;
        inner.Send(length, destination);
    }
}
