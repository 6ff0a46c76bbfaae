using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.Tests.VoiceSessions;

/// <summary>Keeps what a user's connection is told.</summary>
internal sealed class RecordingVoice : IVoiceObserver
{
    private readonly ConcurrentQueue<VoiceNotice> _notices = [];

    public VoiceNotice[] Notices => [.. _notices];

    public IVoiceObserver Reference { get; set; } = null!;

    public Task OnNoticesAsync(VoiceNotice[] notices)
    {
        foreach (var notice in notices)
        {
            _notices.Enqueue(notice);
        }

        return Task.CompletedTask;
    }
}

/// <summary>What the media node of a fixture has of a room.</summary>
internal sealed class InMemoryRoom(ClusterFixture cluster, string name)
{
    public IReadOnlyDictionary<string, string> Transports => Find().Transports;

    public IReadOnlyDictionary<string, AdoptedProducer> Producers => Find().Producers;

    public IReadOnlyDictionary<string, AdoptedConsumer> Consumers => Find().Consumers;

    public long Epoch => Find().Epoch;

    private Media.InMemoryMediaNode.HostedRoom Find() =>
        cluster.Node("first").Find(name) ?? throw new InvalidOperationException($"The node has no room {name}.");
}
