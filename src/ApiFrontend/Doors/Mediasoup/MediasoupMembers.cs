using System.Collections.Concurrent;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.Stopping;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>The participants of this door in this process, by the token that resumes each.</summary>
internal sealed partial class MediasoupMembers
{
    private readonly ConcurrentDictionary<string, MediasoupMember> _byToken = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Room, Guid User), ConcurrentDictionary<MediasoupMember, byte>> _byUser = new();
    private readonly IRoomAccess _rooms;
    private readonly RoomEntry _entry;
    private readonly RoomLeases _leases;
    private readonly FrontendSite _site;
    private readonly ILogger<MediasoupMembers> _logger;

    public MediasoupMembers(IRoomAccess rooms, RoomEntry entry, RoomLeases leases, FrontendSite site, FrontendMetrics metrics, ILogger<MediasoupMembers> logger)
    {
        _rooms = rooms;
        _entry = entry;
        _leases = leases;
        _site = site;
        _logger = logger;
        metrics.ObserveParticipants(() => _byToken.Count);
    }

    public IRoomGrain FindRoom(string name) => _rooms.Find(name);

    /// <summary>Joins the member's room, or takes its place there again.</summary>
    public Task<Outcome<RoomJoined>> EnterAsync(MediasoupMember member) => _entry.JoinAsync(member.Room, member.Request, member.Reference);

    /// <summary>Makes the member reachable for its room, before it joins.</summary>
    public void Prepare(MediasoupMember member) => member.Reference = _rooms.Refer(member);

    /// <summary>A prepared member did not get in.</summary>
    public void Discard(MediasoupMember member) => _rooms.Release(member.Reference);

    /// <summary>The member is in its room.</summary>
    public void Add(MediasoupMember member)
    {
        _byToken[member.ResumeToken] = member;
        _byUser.GetOrAdd(Key(member), static _ => new()).TryAdd(member, 0);
        _leases.Add(member);
    }

    public bool Contains(MediasoupMember member) => _byToken.TryGetValue(member.ResumeToken, out MediasoupMember? present) && present == member;

    /// <summary>The member that a token resumes, when it belongs to that user in that room.</summary>
    public MediasoupMember? Find(string token, string roomId, Guid userId)
        => _byToken.TryGetValue(token, out MediasoupMember? member) && member.RoomId == roomId && member.Request.UserId == userId
            ? member
            : null;

    /// <summary>Members of a user in a room whose client has lost its connection.</summary>
    public MediasoupMember[] FindAbandoned(string roomId, Guid userId)
        => _byUser.TryGetValue((roomId, userId), out ConcurrentDictionary<MediasoupMember, byte>? members)
            ? [.. members.Keys.Where(m => !m.Session.Socket.IsConnected)]
            : [];

    /// <summary>Takes the member out of this process; true for the one caller that did it.</summary>
    public bool TryRemove(MediasoupMember member)
    {
        if (!_byToken.TryRemove(KeyValuePair.Create(member.ResumeToken, member)))
        {
            return false;
        }

        _leases.Remove(member);
        if (_byUser.TryGetValue(Key(member), out ConcurrentDictionary<MediasoupMember, byte>? members))
        {
            members.TryRemove(member, out _);
            if (members.IsEmpty && _byUser.TryRemove(KeyValuePair.Create(Key(member), members)))
            {
                // One that was added to the set in the meantime must still be found.
                foreach (MediasoupMember added in members.Keys)
                {
                    _byUser.GetOrAdd(Key(member), static _ => new()).TryAdd(added, 0);
                }
            }
        }

        _rooms.Release(member.Reference);
        return true;
    }

    /// <summary>
    /// This process stops. A member whose room lives on stays in it: its client comes back through another frontend within the
    /// lease, and the others notice nothing.
    /// </summary>
    public Task ReleaseAsync(MediasoupMember member)
    {
        if (_site.IsAlone)
        {
            return LeaveAsync(member, LeaveReason.ConnectionLost);
        }

        TryRemove(member);
        return Task.CompletedTask;
    }

    /// <summary>Takes the member out of its room. A room that cannot be reached lets its lease run out instead.</summary>
    public async Task LeaveAsync(MediasoupMember member, LeaveReason reason)
    {
        if (!TryRemove(member))
        {
            return;
        }

        try
        {
            await member.Room.LeaveAsync(member.PeerId, reason).ConfigureAwait(false);
            LogLeft(_logger, member.PeerId, member.RoomId, reason);
        }
        catch (Exception e)
        {
            LogLeaveFailed(_logger, e, member.PeerId, member.RoomId);
        }
    }

    private static (string Room, Guid User) Key(MediasoupMember member) => (member.RoomId, member.Request.UserId);

    [LoggerMessage(3200, LogLevel.Information, "Peer {PeerId} left room {RoomId}: {Reason}")]
    private static partial void LogLeft(ILogger logger, string peerId, string roomId, LeaveReason reason);

    [LoggerMessage(3201, LogLevel.Warning, "Room {RoomId} was not told that peer {PeerId} left; its lease runs out by itself")]
    private static partial void LogLeaveFailed(ILogger logger, Exception exception, string peerId, string roomId);
}
