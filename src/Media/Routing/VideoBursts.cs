namespace VoiceCluster.Media.Routing;

/// <summary>
/// Packets of video that come together leave together: while a batch is open, producers keep what they get, and at its end each consumer gets
/// all of a frame before the next consumer gets any. What is known of a receiver is then touched once a frame and not once a packet.
/// One a worker, on its thread.
/// </summary>
internal sealed class VideoBursts
{
    private readonly List<Producer> _producers = [];

    /// <summary>Whether packets are kept until <see cref="End"/>.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>From now on packets are kept.</summary>
    public void Begin() => IsOpen = true;

    /// <summary>Notes a producer that has kept its first packet.</summary>
    public void Add(Producer producer) => _producers.Add(producer);

    /// <summary>Forwards what was kept.</summary>
    public void End(long now)
    {
        IsOpen = false;
        foreach (var producer in _producers)
        {
            producer.ForwardKept(now);
        }

        _producers.Clear();
    }
}
