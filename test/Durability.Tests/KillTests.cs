using System.Globalization;
using Npgsql;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Storage.PostgreSql;
using VoiceCluster.Storage.Sqlite;
using VoiceCluster.Storage.Tests;
using Xunit.Abstractions;

namespace VoiceCluster.Durability.Tests;

/// <summary>
/// The server is killed with -9 at random moments of a scripted set of calls, again and again over the same store. Afterwards
/// every call is in a legal state, every ring timer has fired once, and every change was told to the world once, in order.
/// <c>durability.sh</c> runs it with many kills; VOICECLUSTER_KILLS and VOICECLUSTER_SEED say how many and which.
/// </summary>
public sealed class KillTests(PostgresServer postgres, ITestOutputHelper output) : IClassFixture<PostgresServer>, IDisposable
{
    private const int Pairs = 6;

    // A round lasts for a random number of answered steps and a moment more, so that it is the same on a slow machine.
    private const int MaxSteps = 30;
    private const int MaxMomentMilliseconds = 30;

    // A reminder ticks once a minute; ring and presence times are seconds.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(100);

    private readonly string _data = Directory.CreateTempSubdirectory("voicecluster-kills-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Theory]
    [InlineData("sqlite", false)]
    [InlineData("postgresql", false)]
    [InlineData("sqlite", true)]
    [InlineData("postgresql", true)]
    public async Task Calls_ServerIsKilledAtRandomMoments_NothingIsLostOrDoneTwice(string database, bool overTheBus)
    {
        var kills = Setting("VOICECLUSTER_KILLS", 12);
        var seed = Setting("VOICECLUSTER_SEED", 2026);
        Random random = new(HashCode.Combine(seed, database.Length, overTheBus));
        var connection = database == "postgresql" ? await postgres.CreateDatabaseAsync() : null;
        await using var bus = overTheBus ? await BusListener.StartAsync() : null;
        string[] settings =
        [
            "--Calls:RingTimeout=00:00:01",
            "--Calls:GoneTimeout=00:00:02",
            "--RateLimit:Enabled=false",
            "--Events:Keep=true",
            .. connection is null ? Array.Empty<string>() : [$"--DATABASE_URL={connection}"],
            .. bus is null ? Array.Empty<string>() : [$"--NATS_URL={bus.Url}"],
        ];
        var name = $"kills-{database}{(overTheBus ? "-nats" : "")}";
        CallNotes notes = new();
        Conversation[] pairs;
        await using (var first = await StandaloneServer.StartAsync(name, data: _data, settings: settings))
        {
            pairs = await MeetAsync(first.Url);
        }

        CallScript script = new(pairs, notes);
        for (var kill = 0; kill < kills; kill++)
        {
            await using var server = await StandaloneServer.StartAsync(name, data: _data, settings: settings);
            using CancellationTokenSource stop = new();
            var talking = script.RunAsync(server.Url, random.Next(), stop.Token);
            var steps = notes.Steps + random.Next(MaxSteps);
            await WaitAsync(() => Task.FromResult(notes.Steps >= steps), required: true, everyMilliseconds: 1);
            await Task.Delay(random.Next(MaxMomentMilliseconds), CancellationToken.None);
            await server.KillAsync();
            await stop.CancelAsync();
            await talking;
        }

        Dictionary<Guid, string> stored;
        await using (var last = await StandaloneServer.StartAsync(name, data: _data, settings: settings))
        {
            stored = await SettleAsync(last.Url, pairs);
            await AgreeAsync(last.Url, pairs, stored);
            if (bus is not null)
            {
                await WaitAsync(() => Task.FromResult(Count(bus.Heard) >= stored.Count && Faults(bus.Heard, stored, notes).Length == 0), required: false);
            }
        }

        var events = bus?.Heard ?? await ReadOutboxAsync(connection);
        var faults = Faults(events, stored, notes);
        output.WriteLine(
            $"{name}: {kills} kills, {stored.Count} calls ({string.Join(", ", stored.Values.GroupBy(s => s).Select(g => $"{g.Count()} {g.Key}"))}), "
            + $"{events.Length} events of them, {events.DistinctBy(e => e.Id).Count()} different, "
            + $"{notes.Confirmed.Values.Sum(c => c.Length)} answers held against them, {notes.Interruptions} conversations broken off");
        Assert.True(faults.Length == 0, string.Join('\n', faults.Take(20)));
        Assert.True(stored.Count >= kills, "The script has hardly run.");
    }

    private static string[] Faults(OutboxEvent[] events, Dictionary<Guid, string> stored, CallNotes notes)
    {
        // The bus repeats what was not acknowledged when the server died; consumers know an event by its id.
        var byCall = events.Where(e => e.Subject.StartsWith("call.", StringComparison.Ordinal)).DistinctBy(e => e.Id)
            .GroupBy(e => Guid.Parse(e.Key)).ToDictionary(g => g.Key, g => g.Select(e => CallEntry.Read(e)!).ToArray());
        return [.. CallLedger.Check(stored, byCall, notes.Confirmed)];
    }

    private static int Count(OutboxEvent[] events) => events.DistinctBy(e => e.Key).Count();

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static async Task<Conversation[]> MeetAsync(string url)
    {
        using CallApi api = new(url);
        List<Conversation> pairs = [];
        for (var i = 0; i < Pairs; i++)
        {
            var caller = await api.SignInAsync($"caller{i}");
            var callee = await api.SignInAsync($"callee{i}");
            pairs.Add(new Conversation(await api.CreateChatAsync(caller, callee), caller, callee));
        }

        return [.. pairs];
    }

    /// <summary>Waits, without touching a call, until none rings or runs any more; answers the state of each.</summary>
    private static async Task<Dictionary<Guid, string>> SettleAsync(string url, Conversation[] pairs)
    {
        using CallApi api = new(url);
        Dictionary<Guid, string> stored = [];
        await WaitAsync(
            async () =>
            {
                stored.Clear();
                foreach (var pair in pairs)
                {
                    foreach (var call in await api.HistoryAsync(pair.Caller, pair.Chat))
                    {
                        stored.Add(call.GetProperty("id").GetGuid(), call.GetProperty("status").GetString()!);
                    }
                }

                return !stored.Values.Any(s => s is "ringing" or "accepted" or "active");
            },
            required: true);
        return stored;
    }

    /// <summary>The calls themselves say what the history says, and nobody is engaged any more.</summary>
    private static async Task AgreeAsync(string url, Conversation[] pairs, Dictionary<Guid, string> stored)
    {
        using CallApi api = new(url);
        foreach (var pair in pairs)
        {
            foreach (var call in await api.HistoryAsync(pair.Caller, pair.Chat))
            {
                var id = call.GetProperty("id").GetGuid();
                Assert.Equal((200, stored[id]), (await api.GetAsync(pair.Callee, id) is var answer ? answer.Status : 0, answer.State));
            }

            var next = await api.StartAsync(pair.Caller, pair.Chat, pair.Callee);
            Assert.Equal((201, "ringing"), (next.Status, next.State));
            Assert.Equal((200, "ended"), (await api.HangupAsync(pair.Caller, next.Body.GetProperty("id").GetGuid()) is var over ? over.Status : 0, over.State));
            stored.Add(next.Body.GetProperty("id").GetGuid(), "ended");
        }
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, bool required, int everyMilliseconds = 100)
    {
        using CancellationTokenSource deadline = new(Deadline);
        while (!await condition())
        {
            if (deadline.IsCancellationRequested)
            {
                Assert.False(required, $"Not within {Deadline}.");
                return;
            }

            await Task.Delay(everyMilliseconds, CancellationToken.None);
        }
    }

    private async Task<OutboxEvent[]> ReadOutboxAsync(NpgsqlConnectionStringBuilder? connection)
    {
        List<OutboxEvent> events = [];
        if (connection is null)
        {
            await using SqliteDatabase sqlite = new(Path.Combine(_data, Storage.DurableStores.FileName));
            events.AddRange(await ReadAsync(new SqliteStateStore(sqlite)));
        }
        else
        {
            await using var database = PostgresDatabase.Open(connection);
            events.AddRange(await ReadAsync(new PostgresStateStore(database)));
        }

        return [.. events];

        static async Task<IEnumerable<OutboxEvent>> ReadAsync(IOutboxStore outbox) =>
            (await outbox.ReadPendingAsync(0, int.MaxValue, CancellationToken.None)).Select(e => e.Event);
    }
}
