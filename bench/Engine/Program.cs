using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Bench.Engine;

// Calls a second between grains of one silo, and from the client in the same process: echo of a small record, 1,000 grains.
// Each line is the median of the rounds; the calibration line says how fast the machine was meanwhile.
const int Grains = 1_000;
var rounds = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 5;
var time = TimeSpan.FromSeconds(1);

var builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.UseOrleans(static silo => silo.UseLocalhostClustering());
using var host = builder.Build();
await host.StartAsync();
var factory = host.Services.GetRequiredService<IGrainFactory>();

int[] callers = [1, 16, 64];
await MeasureGrainsAsync(64, time);
await MeasureClientsAsync(64, time);
var calibration = new List<double>();
foreach (var count in callers)
{
    await ReportAsync($"grain to grain, {count} callers", () => MeasureGrainsAsync(count, time));
}

foreach (var count in callers)
{
    await ReportAsync($"client to grain, {count} callers", () => MeasureClientsAsync(count, time));
}

await ReportAsync("new activations, 64 callers", MeasureActivationsAsync);
Console.WriteLine($"calibration: SHA-256 of 1 MiB {Median(calibration):N0} MB/s");
await host.StopAsync();

async Task ReportAsync(string name, Func<Task<(double Rate, double Bytes)>> measure)
{
    var rates = new List<double>();
    var bytes = new List<double>();
    for (var i = 0; i < rounds; i++)
    {
        calibration.Add(Calibrate());
        var (rate, allocated) = await measure();
        rates.Add(rate);
        bytes.Add(allocated);
    }

    Console.WriteLine($"{name}: {Median(rates):N0}/s, {Median(bytes):N0} bytes allocated each");
}

Task<(double Rate, double Bytes)> MeasureGrainsAsync(int count, TimeSpan span) =>
    MeasureAsync(i => factory.GetGrain<ICallerGrain>(i * 17).RunAsync(Grains, span), count);

Task<(double Rate, double Bytes)> MeasureClientsAsync(int count, TimeSpan span) =>
    MeasureAsync(i => Task.Run(() => CallLoop.RunAsync(factory, i * 17, Grains, span)), count);

Task<(double Rate, double Bytes)> MeasureActivationsAsync()
{
    var start = Random.Shared.NextInt64(1L << 40, 1L << 60);
    var echo = new Echo("x", 1);
    return MeasureAsync(
        async i =>
        {
            for (var n = 0; n < 1_000; n++)
            {
                await factory.GetGrain<IEchoGrain>(start + (i * 1_000) + n).EchoAsync(echo);
            }

            return 1_000;
        },
        64);
}

static async Task<(double Rate, double Bytes)> MeasureAsync(Func<int, Task<long>> run, int count)
{
    var allocated = GC.GetTotalAllocatedBytes();
    var watch = Stopwatch.GetTimestamp();
    var calls = (await Task.WhenAll(Enumerable.Range(0, count).Select(run))).Sum();
    var elapsed = Stopwatch.GetElapsedTime(watch);
    return (calls / elapsed.TotalSeconds, (GC.GetTotalAllocatedBytes() - allocated) / (double)calls);
}

static double Calibrate()
{
    var data = new byte[1 << 20];
    var watch = Stopwatch.GetTimestamp();
    for (var i = 0; i < 64; i++)
    {
        SHA256.HashData(data);
    }

    return 64 * 1.048576 / Stopwatch.GetElapsedTime(watch).TotalSeconds;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
