using BenchmarkDotNet.Attributes;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>A client joins by ICE and DTLS and leaves: the processor time of both ends together, without signalling and sockets.</summary>
[MemoryDiagnoser]
public class JoinBenchmarks
{
    private Wire _wire = null!;

    /// <summary>A room with one listener.</summary>
    [GlobalSetup]
    public void Open() => _wire = new Wire(SrtpProfile.AeadAes128Gcm, 1);

    /// <summary>Closes everything.</summary>
    [GlobalCleanup]
    public void Close() => _wire.Dispose();

    /// <summary>Both ends of one join.</summary>
    [Benchmark]
    public void Join() => _wire.ConnectAndLeave();
}
