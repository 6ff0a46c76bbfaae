using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Networking;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

public interface INotedGrain : IGrainWithStringKey
{
    Task<string> WhereAsync();

    Task<string> NoteAsync();

    /// <summary>Notes others, all at the same time; what becomes of the calls is the others' affair.</summary>
    Task NoteOthersAsync(string[] others);
}

public sealed class NotedGrain(IGrainRuntime runtime) : Grain, INotedGrain
{
    public Task<string> WhereAsync() => Task.FromResult(runtime.SiloIdentity);

    public Task<string> NoteAsync()
    {
        Probe.Of(this.GetPrimaryKeyString()).Increment();
        return Task.FromResult(this.GetPrimaryKeyString());
    }

    public async Task NoteOthersAsync(string[] others)
    {
        foreach (var call in others.Select(Task (o) => GrainFactory.GetGrain<INotedGrain>(o).NoteAsync()).ToArray())
        {
            await call.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }
}

/// <summary>
/// Bytes that are no frame, over an open connection and in one write with frames that are: those count, the connection ends with a
/// word in the log, and another one takes its place.
/// </summary>
public sealed class NoFrameTests : IAsyncLifetime
{
    private const int Calls = 12;
    private const int NoFrame = 1040;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TamperedTransport _ofClient = new();
    private readonly Dictionary<string, TamperedTransport> _ofSilos = new() { ["Silo_0"] = new(), ["Silo_1"] = new() };
    private readonly Entries _clientLog = new();
    private readonly Dictionary<string, Entries> _siloLogs = new() { ["Silo_0"] = new(), ["Silo_1"] = new() };
    private readonly InProcessTestCluster _cluster;

    public NoFrameTests()
    {
        var builder = new InProcessTestClusterBuilder(2);
        builder.Options.ConnectionTransport = ConnectionTransportType.TcpSocket;
        builder.ConfigureSilo((options, silo) =>
        {
            silo.Services.AddSingleton<IClusterTransport>(_ofSilos[options.SiloName]);
            silo.Services.AddSingleton<ILoggerProvider>(_siloLogs[options.SiloName]);
        });
        builder.ConfigureClient(client =>
        {
            client.Services.AddSingleton<IClusterTransport>(_ofClient);
            client.Services.AddSingleton<ILoggerProvider>(_clientLog);
        });
        _cluster = builder.Build();
    }

    public static TheoryData<byte[]> Junk => new(
        Enumerable.Repeat((byte)0xFF, 64).ToArray(),
        new byte[64],
        [0x01, 0x00, 0x00, 0x7F, 1],
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray());

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [MemberData(nameof(Junk))]
    public async Task RequestsOfAClient_ThenJunk_AreRunAndTheClientConnectsAnew(byte[] junk)
    {
        var grains = await GrainsOfAsync("Silo_1", Calls);
        var opened = _ofClient.Opened;
        _ofClient.Hold(FrameKind.Call);
        var calls = Array.ConvertAll(grains, g => Grain(g).NoteAsync());
        await AllAreHeldAsync(_ofClient);
        await _ofClient.ReleaseAsync(junk);

        await WereRunOnceAsync(grains);
        Assert.All(await Task.WhenAll(calls.Select(c => Record.ExceptionAsync(() => c.WaitAsync(Deadline)))), e => Assert.True(e is null or SiloUnavailableException, $"{e}"));
        await SaysNoFrameAsync(_siloLogs["Silo_1"]);
        await Eventually.HoldsAsync(() => _ofClient.Opened > opened, "the client connects anew");
        await ServesAsync(grains);
    }

    [Theory]
    [MemberData(nameof(Junk))]
    public async Task RequestsOfASilo_ThenJunk_AreRunAndTheSiloConnectsAnew(byte[] junk)
    {
        var grains = await GrainsOfAsync("Silo_1", Calls);
        var caller = Grain((await GrainsOfAsync("Silo_0", 1))[0]);
        var opened = _ofSilos["Silo_0"].Opened;
        _ofSilos["Silo_0"].Hold(FrameKind.Call);
        var noting = caller.NoteOthersAsync(grains);
        await AllAreHeldAsync(_ofSilos["Silo_0"]);
        await _ofSilos["Silo_0"].ReleaseAsync(junk);

        await WereRunOnceAsync(grains);
        await noting.WaitAsync(Deadline);
        await SaysNoFrameAsync(_siloLogs["Silo_1"]);
        await Eventually.HoldsAsync(() => _ofSilos["Silo_0"].Opened > opened, "the silo connects anew");
        await caller.NoteOthersAsync(grains).WaitAsync(Deadline);
        Assert.All(grains, g => Assert.Equal(2, Probe.Of(g).Count));
        await ServesAsync(grains);
    }

    [Theory]
    [MemberData(nameof(Junk))]
    public async Task AnswersOfASilo_ThenJunk_AreTakenAndTheClientConnectsAnew(byte[] junk)
    {
        var grains = await GrainsOfAsync("Silo_1", Calls);
        var opened = _ofClient.Opened;
        _ofSilos["Silo_1"].Hold(FrameKind.Answer);
        var calls = Array.ConvertAll(grains, g => Grain(g).NoteAsync());
        await AllAreHeldAsync(_ofSilos["Silo_1"]);
        await _ofSilos["Silo_1"].ReleaseAsync(junk);

        Assert.Equal(grains, await Task.WhenAll(calls).WaitAsync(Deadline));
        await SaysNoFrameAsync(_clientLog);
        await Eventually.HoldsAsync(() => _ofClient.Opened > opened, "the client connects anew");
        await ServesAsync(grains);
    }

    private static Task AllAreHeldAsync(TamperedTransport transport) =>
        Eventually.HoldsAsync(() => transport.Held >= Calls, $"{Calls} frames wait; {transport.Held} do");

    private static async Task WereRunOnceAsync(string[] grains)
    {
        foreach (var grain in grains)
        {
            await Probe.Of(grain).CountsAsync(1);
        }

        Assert.All(grains, g => Assert.Equal(1, Probe.Of(g).Count));
    }

    private static async Task SaysNoFrameAsync(Entries log)
    {
        await Eventually.HoldsAsync(() => log.Of(NoFrame).Length > 0, "the log says that it was no frame");
        Assert.All(log.Of(NoFrame), e => Assert.Equal(LogLevel.Warning, e.Level));
        Assert.Contains("is closed, because it sent what is no frame: A frame of ", log.Of(NoFrame)[0].Text, StringComparison.Ordinal);
    }

    private INotedGrain Grain(string key) => _cluster.Client.GetGrain<INotedGrain>(key);

    /// <summary>Keys of grains that live in a silo, active by now.</summary>
    private async Task<string[]> GrainsOfAsync(string silo, int count)
    {
        var keys = new List<string>();
        while (keys.Count < count)
        {
            var key = Probe.NewKey();
            if (await Grain(key).WhereAsync().WaitAsync(Deadline) == silo)
            {
                keys.Add(key);
            }
        }

        return [.. keys];
    }

    /// <summary>The grains are where they were, and nobody was declared dead.</summary>
    private async Task ServesAsync(string[] grains)
    {
        Assert.All(await Task.WhenAll(grains.Select(g => Grain(g).WhereAsync())).WaitAsync(Deadline), s => Assert.Equal("Silo_1", s));
        Assert.All(_cluster.Silos, s => Assert.False(s.HasEnded));
    }

    /// <summary>What a process has logged.</summary>
    private sealed class Entries : ILoggerProvider, ILogger
    {
        private readonly List<(int Id, LogLevel Level, string Text)> _entries = [];

        public (int Id, LogLevel Level, string Text)[] Of(int id)
        {
            lock (_entries)
            {
                return [.. _entries.Where(e => e.Id == id)];
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_entries)
            {
                _entries.Add((eventId.Id, logLevel, formatter(state, exception)));
            }
        }

        public void Dispose()
        {
        }
    }
}
