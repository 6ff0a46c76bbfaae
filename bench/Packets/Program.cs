using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using VoiceCluster.Bench.Packets;

// Each hot operation, without sockets: SRTP, parsing, rewriting, forwarding, a frame of the mix, a call of a grain. Nanoseconds and bytes allocated.
//   dotnet run -c Release --project bench/Packets -- --filter '*'
//   dotnet run -c Release --project bench/Packets -- --filter '*Forwarding*'
//   dotnet run -c Release --project bench/Packets -- table --filter '*'      few rounds, and a table for docs/performance.md; some three minutes
//   dotnet run -c Release --project bench/Packets -- short --filter '*'      each once, to see that it runs: no figures
//   dotnet run -c Release --project bench/Packets -- memory      what a connected transport keeps
if (args is ["memory"])
{
    TransportMemory.Print();
}
else
{
    // In this process: the projects are built the way they are, and OpenSSL is loaded once.
    var job = (args.Contains("short") ? Job.Dry : args.Contains("table") ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
    var summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args.Where(a => a is not ("short" or "table"))], DefaultConfig.Instance.AddJob(job)).ToArray();
    if (args.Contains("table"))
    {
        FiguresTable.Print(summaries, Console.Out);
    }

    return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;
}

return 0;
