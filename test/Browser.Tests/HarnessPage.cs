using System.Text.Json;
using Microsoft.Playwright;

namespace VoiceCluster.Browser.Tests;

/// <summary>A browser page that holds participants made of the stock clients; see web/harness.</summary>
internal sealed class HarnessPage(IPage page, string server) : IAsyncDisposable
{
    private const float DeadlineMilliseconds = 30_000;

    private readonly List<string> _console = Listen(page);
    private int _joined;

    public IPage Page => page;

    /// <summary>The server's address.</summary>
    public string Server => server;

    /// <summary>Joins a room; the participant sends a tone and the fake camera only when asked to.</summary>
    public async Task<Participant> JoinAsync(
        string room,
        int? toneHz = null,
        bool video = false,
        bool thrifty = false,
        string[]? transports = null,
        object? user = null,
        string? displayName = null,
        IReadOnlyDictionary<string, int>? mediaPorts = null,
        string? token = null,
        int? screenWidth = null,
        bool simulcast = false,
        string? svc = null,
        string? red = null)
    {
        var key = $"p{Interlocked.Increment(ref _joined)}";
        var options = new Dictionary<string, object> { ["server"] = server, ["room"] = room, ["user"] = user ?? key, ["video"] = video, ["thrifty"] = thrifty };
        AddIfGiven("simulcast", simulcast ? true : null);
        AddIfGiven("svc", svc);
        AddIfGiven("red", red);
        AddIfGiven("toneHz", toneHz);
        AddIfGiven("transports", transports);
        AddIfGiven("displayName", displayName);
        AddIfGiven("mediaPorts", mediaPorts);
        AddIfGiven("token", token);
        AddIfGiven("screenWidth", screenWidth);
        var peerId = await CallAsync<string>("join", key, options);
        return new Participant(this, key, peerId, toneHz ?? 0);

        void AddIfGiven(string name, object? value)
        {
            if (value is not null)
            {
                options[name] = value;
            }
        }
    }

    /// <summary>Calls a function of the harness.</summary>
    public async Task<T> CallAsync<T>(string function, params object[] arguments)
    {
        try
        {
            return await page.EvaluateAsync<T>("([name, args]) => window.harness[name](...args)", new object[] { function, arguments });
        }
        catch (PlaywrightException e)
        {
            throw new InvalidOperationException($"harness.{function} failed: {e.Message}\n{string.Join('\n', _console.TakeLast(20))}", e);
        }
    }

    public Task CallAsync(string function, params object[] arguments) => CallAsync<JsonElement?>(function, arguments);

    /// <summary>Waits until a function of the harness answers true; past the deadline it fails with what the participants see.</summary>
    public Task WaitAsync(string function, object[] arguments, params Participant[] concerned) =>
        WaitForAsync(function, arguments, [.. concerned.Select(p => (Func<Task<JsonElement>>)p.ReportAsync)]);

    /// <summary>The same with reports of whatever kind.</summary>
    public async Task WaitForAsync(string function, object[] arguments, params Func<Task<JsonElement>>[] reporters)
    {
        try
        {
            await page.WaitForFunctionAsync(
                "([name, args]) => window.harness[name](...args)",
                new object[] { function, arguments },
                new PageWaitForFunctionOptions { Timeout = DeadlineMilliseconds, PollingInterval = 100 });
        }
        catch (TimeoutException)
        {
            var reports = new List<string>();
            foreach (var report in reporters)
            {
                reports.Add((await report()).GetRawText());
            }

            Assert.Fail($"harness.{function}({JsonSerializer.Serialize(arguments)}) did not come true.\n{string.Join('\n', reports)}\n{string.Join('\n', _console.TakeLast(20))}");
        }
    }

    /// <summary>
    /// Waits until each participant hears exactly the tones of its room, and has listened long enough to have noticed others.
    /// </summary>
    public async Task HaveHeardAsync(params Participant[] room)
    {
        await AllHearAsync(room, room);
        foreach (var person in room)
        {
            await WaitAsync("hasHeard", [person.Key, room.Where(o => o != person).Select(o => o.ToneHz).ToArray()], person);
        }
    }

    /// <summary>Waits until each participant hears exactly the tones of the others, which may be in other pages.</summary>
    public Task AllHearAsync(IEnumerable<Participant> here, IReadOnlyCollection<Participant> room)
    {
        var mine = here.ToArray();
        var expected = mine.Select(p => new { key = p.Key, tones = room.Where(o => o != p && o.ToneHz > 0).Select(o => o.ToneHz).ToArray() }).ToArray();
        return WaitAsync("allHear", [expected], mine);
    }

    public async ValueTask DisposeAsync() => await page.CloseAsync();

    private static List<string> Listen(IPage page)
    {
        var lines = new List<string>();
        page.Console += (_, message) => lines.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => lines.Add($"uncaught: {error}");
        return lines;
    }
}
