using BenchmarkDotNet.Running;
using VoiceCluster.Bench.Packets;

// Each hot operation of the packet path, without sockets: nanoseconds and bytes allocated.
//   dotnet run -c Release --project bench/Packets -- --filter '*'
//   dotnet run -c Release --project bench/Packets -- --filter '*Forwarding*'
//   dotnet run -c Release --project bench/Packets -- memory      what a connected transport keeps
if (args is ["memory"])
{
    TransportMemory.Print();
}
else
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
}
