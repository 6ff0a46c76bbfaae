using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using VoiceCluster.Clustering;
using VoiceCluster.Faults.Grains;
using VoiceCluster.Faults.History;
using VoiceCluster.Faults.Workload;
using VoiceCluster.Storage;

// A silo with a client in it. Its standard input takes one command a line, its standard output answers each with one line:
//   begin RUN SEED NUMBER PAUSE FILE    asks grains of the run, every PAUSE milliseconds, and notes it in the file
//   end                                 stops asking
//   recover                             asks every grain of the run until it answers
//   final                               reads every grain of the run once
//   build                               asks every grain of the run what only the next build knows
// NO_GATEWAY=true: clients cannot connect to it. TICKS: the file for the ticks of its reminders; without it there are none.
// REDIS_URL, DATABASE_URL and the section Cluster are as for every silo; PROBE is ProbeTimeout in milliseconds, 0 for the shipped one.
var builder = Host.CreateApplicationBuilder(args);
builder.Logging.ClearProviders().AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Warning);
builder.Logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
var probe = TimeSpan.FromMilliseconds(int.Parse(builder.Configuration["PROBE"] ?? "0", CultureInfo.InvariantCulture));
builder.UseOrleans(silo =>
{
    silo.UseCluster(isStandalone: false);
    silo.Configure<SiloOptions>(o => o.SiloName = builder.Configuration["NAME"] ?? "silo");
    if (probe > TimeSpan.Zero)
    {
        silo.Configure<ClusterMembershipOptions>(o => (o.ProbeTimeout, o.TableRefreshTimeout) = (probe, probe * 2));
        silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(10));
    }

    if (builder.Configuration.GetValue<bool>("NO_GATEWAY"))
    {
        silo.Configure<EndpointOptions>(o => (o.GatewayPort, o.GatewayListeningEndpoint) = (0, null));
    }

    silo.AddDurableStores(FaultStore.Name);
    silo.Services.AddSingleton(new TickLog(builder.Configuration["TICKS"]));
    if (builder.Configuration["TICKS"] is not null)
    {
        silo.Configure<ReminderOptions>(o => o.MinimumReminderPeriod = TimeSpan.FromSeconds(1));
        silo.AddReminders();
    }
});
var host = builder.Build();
await host.StartAsync();
var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
_ = Task.Run(() => new Commands(host.Services, builder.Configuration["NAME"] ?? "silo").RunAsync(stopping));
await host.WaitForShutdownAsync();

/// <summary>Does what standard input says.</summary>
internal sealed class Commands(IServiceProvider services, string name)
{
    private const int Clients = 4;

    private WorkloadClient[] _clients = [];
    private OperationLog? _log;
    private CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;

    public async Task RunAsync(CancellationToken stopping)
    {
        var health = services.GetServices<IHealthCheckParticipant>().ToArray();
        while (!health.All(h => h.CheckIsHealthy(DateTime.UtcNow, out _)))
        {
            await Task.Delay(20, stopping);
        }

        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync(stopping) is { } line)
        {
            Console.WriteLine(await DoAsync(line.Split(' ')));
        }
    }

    private async Task<string> DoAsync(string[] words)
    {
        switch (words[0])
        {
            case "begin":
                Begin(words[1], Number(words[2]), Number(words[3]), TimeSpan.FromMilliseconds(Number(words[4])), words[5]);
                return "begun";
            case "end":
                await _stop.CancelAsync();
                await _run;
                return "ended";
            case "recover":
                foreach (var key in _clients[0].AllKeys)
                {
                    while (!await _clients[0].AskAsync(key, OperationKind.Read))
                    {
                        await Task.Delay(20);
                    }
                }

                return "recovered";
            case "final":
                foreach (var key in _clients[0].AllKeys)
                {
                    if (!await _clients[0].AskAsync(key, OperationKind.Read, isFinal: true))
                    {
                        return $"{key} does not answer: {_log!.Operations[^1].Note}";
                    }
                }

                return "read";
#if NEXT_BUILD
            case "build":
                foreach (var key in _clients[0].AllKeys)
                {
                    if (!await _clients[0].AskBuildAsync(key))
                    {
                        return $"{key} does not know the next build.";
                    }
                }

                return "asked";
#endif
            default:
                return "unknown command";
        }
    }

    private void Begin(string run, int seed, int number, TimeSpan pause, string file)
    {
        _log?.Dispose();
        _log = new OperationLog(file);
        _stop = new CancellationTokenSource();
        _clients =
        [
            .. Enumerable.Range(0, Clients).Select(i => new WorkloadClient(
                $"{name}.{i}", (number * Clients) + i, services.GetRequiredService<IClusterClient>(), _log, TimeProvider.System, (seed * Clients) + i, run)),
        ];
        _run = Task.WhenAll(_clients.Select(c => Task.Run(() => c.RunAsync(pause, _stop.Token))));
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
