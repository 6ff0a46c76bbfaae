using VoiceCluster.Media.Dtls;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>Rooms full of talkers who all hear each other.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(40);

    private readonly string _id = Guid.NewGuid().ToString("N");
    private readonly string? _room;
    private readonly MediaThread _media = new();
    private readonly DtlsContext _certificate = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly Func<Uri> _frontend;

    private Crowd(Func<Uri> frontend, string? room) => (_frontend, _room) = (frontend, room);

    /// <summary>The talkers, by room.</summary>
    public List<Talker[]> Rooms { get; } = [];

    /// <summary>The rooms' names.</summary>
    public IEnumerable<string> Names => Enumerable.Range(0, Rooms.Count).Select(Name);

    public IEnumerable<Talker> Everybody => Rooms.SelectMany(r => r);

    /// <summary>So many talkers in rooms of so many, who hear each other.</summary>
    public static async Task<Crowd> GatherAsync(int talkers, int roomSize, Func<Uri> frontend)
    {
        var crowd = new Crowd(frontend, room: null);
        try
        {
            for (var first = 0; first < talkers; first += roomSize)
            {
                await crowd.AddRoomAsync(first, Math.Min(roomSize, talkers - first));
            }

            await crowd.HearEachOtherAsync();
            return crowd;
        }
        catch
        {
            await crowd.DisposeAsync();
            throw;
        }
    }

    /// <summary>So many talkers in one room of this name, who come one after another and hear each other.</summary>
    public static async Task<Crowd> GatherAsync(int talkers, string room, Func<Uri> frontend)
    {
        var crowd = new Crowd(frontend, room);
        try
        {
            await crowd.AddRoomAsync(0, 1);
            while (crowd.Rooms[0].Length < talkers)
            {
                await crowd.JoinAsync(0);
                await crowd.HearEachOtherAsync();
            }

            return crowd;
        }
        catch
        {
            await crowd.DisposeAsync();
            throw;
        }
    }

    /// <summary>One more talker in a room that is there.</summary>
    public async Task<Talker> JoinAsync(int room)
    {
        var newcomer = new Talker(Everybody.Max(t => t.Id) + 1, Name(room), _frontend, _media, _certificate);
        Rooms[room] = [.. Rooms[room], newcomer];
        await newcomer.StartAsync();
        return newcomer;
    }

    /// <summary>Waits until each hears, of each other one of its room, frames that are said from now on.</summary>
    public async Task HearEachOtherAsync()
    {
        var since = Everybody.ToDictionary(t => t, t => t.Frames);
        using var deadline = new CancellationTokenSource(Deadline);
        while (Pairs().FirstOrDefault(p => p.Listener.Of(p.Speaker).Last <= since[p.Speaker]) is { Listener: not null } deaf)
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.Fail($"Talker {deaf.Listener.Id} does not hear {deaf.Speaker.Id}.\n{string.Join('\n', deaf.Listener.Log)}\n--\n{string.Join('\n', deaf.Speaker.Log)}");
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>Where everybody's speech is now, to ask later what was lost since.</summary>
    public Dictionary<(Talker Listener, Talker Speaker), int> Mark() => Pairs().ToDictionary(p => p, p => p.Listener.Of(p.Speaker).Last);

    /// <summary>What was lost since a mark, by those pairs that lost something: frames of 20 ms in all, and in a row.</summary>
    public (int Listener, int Speaker, int Total, int Longest)[] LostSince(Dictionary<(Talker Listener, Talker Speaker), int> mark) =>
    [
        .. from entry in mark
           let missing = entry.Key.Listener.Of(entry.Key.Speaker).Missing(entry.Value)
           where missing.Total > 0
           orderby missing.Total descending
           select (entry.Key.Listener.Id, entry.Key.Speaker.Id, missing.Total, missing.Longest),
    ];

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Everybody.Select(t => t.DisposeAsync().AsTask()));
        _media.Dispose();
        _certificate.Dispose();
    }

    /// <summary>One more room.</summary>
    public Task OpenRoomAsync(int talkers) => AddRoomAsync(Everybody.Max(t => t.Id) + 1, talkers);

    private async Task AddRoomAsync(int first, int count)
    {
        Rooms.Add([.. Enumerable.Range(first, count).Select(i => new Talker(i, Name(Rooms.Count), _frontend, _media, _certificate))]);
        await Task.WhenAll(Rooms[^1].Select(t => t.StartAsync()));
    }

    private string Name(int room) => _room ?? $"crowd-{_id}-{room}";

    private IEnumerable<(Talker Listener, Talker Speaker)> Pairs() =>
        from room in Rooms
        from listener in room
        from speaker in room
        where listener != speaker
        select (listener, speaker);
}
