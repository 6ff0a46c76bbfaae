using System.Diagnostics;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Bench.Engine.Processes;

namespace VoiceCluster.Bench.Engine.Grains;

/// <summary>Participants who join rooms, as the doors of a frontend have them join.</summary>
internal static class JoinLoop
{
    /// <summary>Participants of each room who stay, and hear who comes and goes.</summary>
    private const int Residents = 4;

    /// <summary>Users of one caller, who come again and again as participants with new ids.</summary>
    private const int Users = 32;

    /// <summary>Lets the residents of some rooms in; again, it is a reconnect that renews their leases.</summary>
    public static async Task SettleAsync(IGrainFactory factory, IRoomObserver door, int first, int count)
    {
        for (var room = first; room < first + count; room++)
        {
            for (var i = 0; i < Residents; i++)
            {
                await JoinAsync(RoomOf(factory, room), door, $"resident-{i}", UserId(i));
            }
        }
    }

    /// <summary>One caller: joins some room, and leaves it again, before the next. What is timed is the join.</summary>
    public static async Task<CallFigures> RunAsync(IGrainFactory factory, Door door, int caller, int rooms, TimeSpan time)
    {
        var targets = Enumerable.Range(0, rooms).Select(i => RoomOf(factory, i)).ToArray();
        var users = Enumerable.Range(0, Users).Select(i => UserId(Residents + (caller * Users) + i)).ToArray();
        var times = new Histogram();
        var end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        long joins = 0;
        while (Stopwatch.GetTimestamp() < end)
        {
            var room = targets[Random.Shared.Next(rooms)];
            var participant = Guid.NewGuid().ToString();
            var observer = factory.CreateObjectReference<IRoomObserver>(door);
            var before = Stopwatch.GetTimestamp();
            await JoinAsync(room, observer, participant, users[joins++ % Users]);
            times.Add(Stopwatch.GetTimestamp() - before);
            await room.LeaveAsync(participant, LeaveReason.Left);
            factory.DeleteObjectReference<IRoomObserver>(observer);
        }

        return new CallFigures(joins, times.Buckets);
    }

    private static async Task JoinAsync(IRoomGrain room, IRoomObserver door, string participant, Guid user)
    {
        var joined = await room.JoinAsync(
            new JoinRoom(participant, user, "\"somebody\"", "Somebody", "mediasoup", ResumeKey: "0123456789abcdef0123456789abcdef"), door);
        if (joined.Fault is { } fault)
        {
            throw new InvalidOperationException($"A join was refused: {fault.Message}");
        }
    }

    private static IRoomGrain RoomOf(IGrainFactory factory, int room) => factory.GetGrain<IRoomGrain>($"bench-{room}");

    private static Guid UserId(int user) => new(user, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
