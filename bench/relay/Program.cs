using System.Globalization;
using VoiceCluster.Bench.Relay;

// Figures of the relay: the engine alone, then the server at an address with a process id. See docs/performance.md.
//   VoiceCluster.Bench.Relay [<url> <server's pid> [<seconds a rate> [<channels of ten clients>]]]
foreach (var encrypted in (bool[])[false, true])
{
    double[] runs = [.. Enumerable.Range(0, 5).Select(_ => EngineBenchmark.Measure(encrypted)).Order()];
    Console.WriteLine($"engine alone, {(encrypted ? "encrypted" : "plain")}: {runs[2]:N0} packets forwarded a second of one core ({runs[0]:N0} to {runs[4]:N0})");
}

if (args.Length < 2)
{
    return;
}

ServerBenchmark server = new(new Uri(args[0]), int.Parse(args[1], CultureInfo.InvariantCulture));
var seconds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 8;
var channels = args.Length > 3 ? int.Parse(args[3], CultureInfo.InvariantCulture) : 50;
await server.JoinAsync(2);
var before = await server.MemoryAsync();
var clients = await server.JoinAsync(channels);
Console.WriteLine($"memory: {(await server.MemoryAsync() - before) / clients.Count:N1} kB of the whole process a client, over {clients.Count} clients");
foreach (var rate in (int[])[50, 100, 200, 400])
{
    var (perSecond, micros, lost) = server.Load(clients, rate, TimeSpan.FromSeconds(seconds));
    Console.WriteLine($"{clients.Count(c => c.Speaks)} speakers at {rate} packets/s, 9 listeners each: {perSecond:N0} forwarded a second, {micros:N2} µs of CPU each, {lost:P2} lost");
}
