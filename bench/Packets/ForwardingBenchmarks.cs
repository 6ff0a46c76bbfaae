using BenchmarkDotNet.Attributes;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>
/// The whole way of a packet through a worker but for the socket: SRTP in, router, rewriting, SRTP out, for one of 50 and one of 500
/// receivers. With 500 their keys and counters no longer fit a core's nearest cache, as on a busy server.
/// </summary>
[MemoryDiagnoser]
public class ForwardingBenchmarks
{
    private const int Few = 50;
    private const int Many = 500;

    private Wire _few = null!;
    private Wire _many = null!;

    /// <summary>The suite.</summary>
    [Params(SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm, SrtpProfile.Aes128CmSha1_80)]
    public SrtpProfile Profile { get; set; }

    /// <summary>Connects everybody: ICE, DTLS.</summary>
    [GlobalSetup]
    public void Open()
    {
        _few = new Wire(Profile, Few);
        _many = new Wire(Profile, Many);
    }

    /// <summary>Closes everything.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _few.Dispose();
        _many.Dispose();
    }

    /// <summary>A packet to one of 50.</summary>
    [Benchmark(OperationsPerInvoke = Few)]
    public long ToOneOf50() => _few.Forward();

    /// <summary>A packet to one of 500.</summary>
    [Benchmark(OperationsPerInvoke = Many)]
    public long ToOneOf500() => _many.Forward();
}
