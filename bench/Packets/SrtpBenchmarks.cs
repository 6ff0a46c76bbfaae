using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using VoiceCluster.Media;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.Bench.Packets;

/// <summary>SRTP in place, in each suite: a packet of sound (172 bytes protected by GCM) and one of video (1,212).</summary>
[MemoryDiagnoser]
public class SrtpBenchmarks
{
    /// <summary>Packets that are opened one after the other: as many sequence numbers as pass without the roll-over counter.</summary>
    private const int Packets = 8_192;

    private readonly byte[] _packet = new byte[1500];
    private byte[] _key = [];
    private byte[] _salt = [];
    private byte[] _protected = [];
    private byte[] _opening = [];
    private int _protectedLength;
    private SrtpSender _sender = null!;
    private SrtpReceiver? _receiver;
    private ushort _sequence;

    /// <summary>The suite.</summary>
    [Params(SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm, SrtpProfile.Aes128CmSha1_80)]
    public SrtpProfile Profile { get; set; }

    /// <summary>Bytes of the RTP packet.</summary>
    [Params(156, 1196)]
    public int Length { get; set; }

    /// <summary>Makes the keys, and packets to open.</summary>
    [GlobalSetup]
    public void Open()
    {
        (_key, _salt) = (new byte[Profile.KeyLength()], new byte[Profile.SaltLength()]);
        Random.Shared.NextBytes(_key);
        Random.Shared.NextBytes(_salt);
        _sender = new SrtpSender(Profile, _key, _salt);
        _packet[0] = 0x80;
        _packet[11] = 1;
        var sound = _packet.ToArray();
        using var sender = new SrtpSender(Profile, _key, _salt);
        for (var i = 0; i < Packets; i++)
        {
            sound.CopyTo(_packet, 0);
            BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), (ushort)i);
            _protectedLength = sender.ProtectRtp(_packet, Length);
            if (i == 0)
            {
                (_protected, _opening) = (new byte[Packets * _protectedLength], new byte[Packets * _protectedLength]);
            }

            _packet.AsSpan(0, _protectedLength).CopyTo(_protected.AsSpan(i * _protectedLength));
        }

        sound.CopyTo(_packet, 0);
    }

    /// <summary>Frees the contexts.</summary>
    [GlobalCleanup]
    public void Close()
    {
        _sender.Dispose();
        _receiver?.Dispose();
    }

    /// <summary>Encrypts and authenticates.</summary>
    [Benchmark]
    public int Protect()
    {
        BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequence++);
        return _sender.ProtectRtp(_packet, Length);
    }

    /// <summary>New copies of the protected packets, and a receiver that has had none of them.</summary>
    [IterationSetup(Target = nameof(Unprotect))]
    public void Repeat()
    {
        _receiver?.Dispose();
        _receiver = new SrtpReceiver(Profile, _key, _salt);
        _protected.CopyTo(_opening, 0);
    }

    /// <summary>Authenticates and decrypts.</summary>
    [Benchmark(OperationsPerInvoke = Packets)]
    public int Unprotect()
    {
        var opened = 0;
        for (var i = 0; i < Packets; i++)
        {
            if (_receiver!.UnprotectRtp(_opening.AsSpan(i * _protectedLength, _protectedLength), out var length) != DropReason.None)
            {
                throw new InvalidOperationException("The packet was refused.");
            }

            opened += length;
        }

        return opened;
    }
}
