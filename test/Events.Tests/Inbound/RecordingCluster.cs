using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events.Tests.Inbound;

/// <summary>Notes what it is told, and refuses as often as the test says.</summary>
internal sealed class RecordingCluster : IExternalEvents
{
    private int _refusals;

    public ConcurrentQueue<string> Told { get; } = new();

    public void RefuseNext(int times) => _refusals = times;

    public Task ChannelDeletedAsync(string channelId) => Note($"deleted {channelId}");

    public Task UserBannedAsync(Guid userId, string? channelId) => Note($"banned {userId} from {channelId ?? "everywhere"}");

    private Task Note(string what)
    {
        if (Interlocked.Decrement(ref _refusals) >= 0)
        {
            return Task.FromException(new TimeoutException("The grain does not answer."));
        }

        Told.Enqueue(what);
        return Task.CompletedTask;
    }
}
