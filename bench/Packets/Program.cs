using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using VoiceCluster.Bench.Packets;

// Each hot operation of the packet path, without sockets: nanoseconds and bytes allocated.
//   dotnet run -c Release --project bench/Packets -- --filter '*'
//   dotnet run -c Release --project bench/Packets -- --filter '*Forwarding*'
//   dotnet run -c Release --project bench/Packets -- short --filter '*'      each once, to see that it runs: no figures
//   dotnet run -c Release --project bench/Packets -- memory      what a connected transport keeps
if (args is ["memory"])
{
    TransportMemory.Print();
}
else
{
    // In this process: the projects are built the way they are, and OpenSSL is loaded once.
    var job = (args.Contains("short") ? Job.Dry : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args.Where(a => a != "short")], DefaultConfig.Instance.AddJob(job));
}
