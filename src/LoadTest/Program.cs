using VoiceCluster.LoadTest;
using VoiceCluster.LoadTest.Figures;

if (args.Any(a => a is "--help" or "-h"))
{
    Console.WriteLine(CommandLine.Help);
    return 0;
}

if (CommandLine.Parse(args, out var faults) is not { } options)
{
    foreach (var fault in faults)
    {
        Console.Error.WriteLine(fault);
    }

    return 2;
}

if (!OperatingSystem.IsLinux())
{
    Console.Error.WriteLine("voicebench measures by the kernel's receive times, which it can read on Linux only.");
    return 2;
}

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    interrupted.Cancel();
};

using var progress = ProgressLine.Create();
try
{
    BenchReport report;
    var scenario = new Scenario(options, progress);
    await using (scenario)
    {
        report = await scenario.RunAsync(interrupted.Token);
    }

    progress.Flush();
    if (options.Json == "-")
    {
        Console.WriteLine(report.ToJsonText());
    }
    else
    {
        Console.Write(report.ToTable());
        if (options.Json is { } file)
        {
            await File.WriteAllTextAsync(file, report.ToJsonText());
        }
    }

    return report.IsGood ? 0 : 1;
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    Console.Error.WriteLine("voicebench: interrupted.");
    return 1;
}
catch (Exception e) when (e is IOException or System.Net.WebSockets.WebSocketException or HttpRequestException or TimeoutException or InvalidOperationException)
{
    Console.Error.WriteLine($"voicebench: {e.Message}");
    return 1;
}
