using System.Collections.Concurrent;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Tests.Users;

/// <summary>A connection that keeps what it is told.</summary>
internal sealed class RecordingUser : IUserObserver
{
    private readonly ConcurrentQueue<UserNotice> _notices = [];

    public UserNotice[] Notices => [.. _notices];

    public CallChange[] Changes => [.. _notices.OfType<CallChanged>().Select(c => c.Change)];

    public string[] Signals => [.. _notices.OfType<CallSignalled>().Select(s => s.PayloadJson)];

    public Task OnNoticeAsync(UserNotice notice)
    {
        _notices.Enqueue(notice);
        return Task.CompletedTask;
    }
}
