using VoiceCluster.Bench.Joins;

// How many WebRTC transports a media worker connects a second, and what one costs.
//   bench/joins/run.sh                       the server on one core, the clients on the other
//   Bench.Joins client SECONDS AT_A_TIME     starts its server as a process of its own
if (!OperatingSystem.IsLinux())
{
    Console.Error.WriteLine("Only Linux ties a thread to a processor.");
    return 2;
}

switch (args)
{
    case ["server", var processor, var path]:
        await JoinServer.RunAsync(int.Parse(processor, System.Globalization.CultureInfo.InvariantCulture), path);
        return 0;
    case ["client", var seconds, .. var counts]:
        await JoinBenchmark.RunAsync(
            int.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture),
            [.. counts.Select(c => int.Parse(c, System.Globalization.CultureInfo.InvariantCulture))]);
        return 0;
    default:
        Console.Error.WriteLine("usage: client SECONDS AT_A_TIME...");
        return 2;
}
