using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace VoiceCluster.Media.Srtp;

/// <summary>What one direction knows of one SSRC.</summary>
internal struct SrtpStream
{
    public uint Ssrc;

    /// <summary>The index of the next SRTCP packet sent (RFC 3711 §3.4).</summary>
    public uint NextRtcpIndex;

    public ReplayWindow Rtp;
    public ReplayWindow Rtcp;
}

/// <summary>
/// SSRC → stream by open addressing, with the last one used remembered. Streams are never removed while the keys live:
/// forgetting one would forget its window, and with GCM its nonces.
/// </summary>
internal sealed class SrtpStreamTable(int maxStreams)
{
    /// <summary>Of this process alone: who chooses SSRCs cannot choose where they lie.</summary>
    private static readonly uint Multiplier = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)) | 1;

    // Most transports carry a stream or two each way, and a stream's windows take 300 bytes.
    private SrtpStream[] _streams = new SrtpStream[2];
    private int[] _slots = new int[4];
    private int _last;

    public int Count { get; private set; }

    public bool IsFull => Count >= maxStreams;

    /// <summary>Asks for the stream that was used last.</summary>
    public void Prefetch() => Interop.Prefetch.Object(_streams, 256);

    /// <summary>The stream of an SSRC, or a null reference.</summary>
    public ref SrtpStream Find(uint ssrc)
    {
        if (_last < Count && _streams[_last].Ssrc == ssrc)
        {
            return ref _streams[_last];
        }

        var mask = _slots.Length - 1;
        for (var slot = Hash(ssrc, mask); _slots[slot] != 0; slot = (slot + 1) & mask)
        {
            var index = _slots[slot] - 1;
            if (_streams[index].Ssrc == ssrc)
            {
                _last = index;
                return ref _streams[index];
            }
        }

        return ref Unsafe.NullRef<SrtpStream>();
    }

    /// <summary>Adds an SSRC that is not there. Allocates when the table doubles.</summary>
    public ref SrtpStream Add(uint ssrc)
    {
        if (Count == _streams.Length)
        {
            Array.Resize(ref _streams, 2 * _streams.Length);
            _slots = new int[2 * _streams.Length];
            for (var i = 0; i < Count; i++)
            {
                Place(i);
            }
        }

        _streams[Count] = new SrtpStream { Ssrc = ssrc };
        Place(Count);
        _last = Count;
        return ref _streams[Count++];
    }

    private void Place(int index)
    {
        var mask = _slots.Length - 1;
        var slot = Hash(_streams[index].Ssrc, mask);
        while (_slots[slot] != 0)
        {
            slot = (slot + 1) & mask;
        }

        _slots[slot] = index + 1;
    }

    private int Hash(uint ssrc, int mask)
    {
        var product = ssrc * Multiplier;
        return (int)((product ^ (product >> 15)) & (uint)mask);
    }
}
