using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using VoiceCluster.Media;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>SRTP in place, in each suite: a packet of sound (172 bytes protected by GCM) and one of video (1,212).</summary>
[MemoryDiagnoser]
public class SrtpBenchmarks
{
    private readonly byte[] _packet = new byte[1500];
    private SrtpSender _sender = null!;
    private SrtpSender _again = null!;
    private SrtpReceiver _receiver = null!;
    private ushort _sequence;
    private ushort _sequenceAgain;

    /// <summary>The suite.</summary>
    [Params(SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm, SrtpProfile.Aes128CmSha1_80)]
    public SrtpProfile Profile { get; set; }

    /// <summary>Bytes of the RTP packet.</summary>
    [Params(156, 1196)]
    public int Length { get; set; }

    /// <summary>Two sessions of one key: one only protects, the other's packets are opened again.</summary>
    [GlobalSetup]
    public void Open()
    {
        var key = new byte[Profile.KeyLength()];
        var salt = new byte[Profile.SaltLength()];
        Random.Shared.NextBytes(key);
        _sender = new SrtpSender(Profile, key, salt);
        _again = new SrtpSender(Profile, key, salt);
        _receiver = new SrtpReceiver(Profile, key, salt);
        _packet[0] = 0x80;
        _packet[11] = 1;
    }

    /// <summary>Frees the contexts.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _sender.Dispose();
        _again.Dispose();
        _receiver.Dispose();
    }

    /// <summary>Encrypts and authenticates.</summary>
    [Benchmark]
    public int Protect()
    {
        BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequence++);
        return _sender.ProtectRtp(_packet, Length);
    }

    /// <summary>The same, then authenticates and decrypts: opening alone is the difference.</summary>
    [Benchmark]
    public int ProtectAndUnprotect()
    {
        BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequenceAgain++);
        var length = _again.ProtectRtp(_packet, Length);
        return _receiver.UnprotectRtp(_packet.AsSpan(0, length), out var opened) == DropReason.None
            ? opened
            : throw new InvalidOperationException("The packet was refused.");
    }
}
