using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using VoiceCluster.Media.Interop;

namespace VoiceCluster.Media.Srtp;

/// <summary>
/// The sending half of an SRTP session (RFC 3711 §3.3, RFC 7714): protects packets in place.
/// One thread at a time; allocates only for a new SSRC.
/// </summary>
public sealed unsafe class SrtpSender : IDisposable
{
    /// <summary>SSRCs that one session may send: each costs about 300 bytes, and consumers come and go for days.</summary>
    public const int MaxStreams = 65536;

    private readonly SrtpSession _session;
    private readonly SrtpCipher _rtp;
    private readonly nint _context;
    private readonly SrtpStreamTable _streams = new(MaxStreams);

    /// <param name="profile">One of the three.</param>
    /// <param name="masterKey">Exactly <see cref="SrtpProfiles.KeyLength"/> bytes.</param>
    /// <param name="masterSalt">Exactly <see cref="SrtpProfiles.SaltLength"/> bytes.</param>
    public SrtpSender(SrtpProfile profile, ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt)
        : this(SrtpSession.FromMaster(profile, masterKey, masterSalt, encrypt: true))
    {
    }

    internal SrtpSender(SrtpSession session)
    {
        _session = session;
        _rtp = session.Rtp;
        _context = session.Rtp.Context;
    }

    /// <summary>The profile given.</summary>
    public SrtpProfile Profile => _session.Profile;

    /// <summary>
    /// Protects the RTP packet in the first <paramref name="length"/> bytes; the buffer needs <see cref="SrtpProfiles.MaxTrailer"/> bytes of room behind.
    /// Returns the new length, or -1 when it must not be sent: malformed, too many SSRCs, out of indices, or with GCM an index sent before
    /// (its nonce would repeat, RFC 7714 §8.4). In counter mode a retransmission of the same packet is allowed.
    /// </summary>
    public int ProtectRtp(Span<byte> buffer, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, length + SrtpProfiles.MaxTrailer);
        var header = SrtpPacket.RtpHeaderLength(buffer[..length]);
        if (header < 0)
        {
            return -1;
        }

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(buffer[8..]);
        ref var stream = ref FindOrAdd(ssrc);
        if (Unsafe.IsNullRef(ref stream)
            || !stream.Rtp.TryEstimate(BinaryPrimitives.ReadUInt16BigEndian(buffer[2..]), out var index)
            || (_session.IsAead && !stream.Rtp.IsFresh(index)))
        {
            return -1;
        }

        fixed (byte* start = buffer)
        {
            var done = _session.IsAead
                ? _session.Rtp.Seal(ssrc, index, buffer[..header], default, start + header, length - header, start + length)
                : SealRtpByMac(start, header, length, ssrc, index);
            if (!done)
            {
                return -1;
            }
        }

        stream.Rtp.Commit(index);
        return length + _session.TagLength;
    }

    /// <summary>Protects a compound RTCP packet likewise (RFC 3711 §3.4, RFC 7714 §9).</summary>
    public int ProtectRtcp(Span<byte> buffer, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, length + SrtpProfiles.MaxTrailer);
        if (!SrtpPacket.IsRtcp(buffer[..length]))
        {
            return -1;
        }

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(buffer[4..]);
        ref var stream = ref FindOrAdd(ssrc);
        if (Unsafe.IsNullRef(ref stream) || stream.NextRtcpIndex > SrtpPacket.LastRtcpIndex)
        {
            return -1;
        }

        var index = stream.NextRtcpIndex++;
        fixed (byte* start = buffer)
        {
            var payload = start + SrtpPacket.RtcpHeader;
            if (_session.IsAead)
            {
                // RFC 7714 §9.2: the tag stands before the index, and the index is additional data.
                var trailer = buffer.Slice(length + _session.TagLength, SrtpPacket.RtcpIndex);
                BinaryPrimitives.WriteUInt32BigEndian(trailer, SrtpPacket.Encrypted | index);
                if (!_session.Rtcp.Seal(ssrc, index, buffer[..SrtpPacket.RtcpHeader], trailer, payload, length - SrtpPacket.RtcpHeader, start + length))
                {
                    return -1;
                }
            }
            else
            {
                // RFC 3711 §3.4: the tag covers the index before it.
                if (!_session.Rtcp.CounterMode(ssrc, index, payload, length - SrtpPacket.RtcpHeader))
                {
                    return -1;
                }

                BinaryPrimitives.WriteUInt32BigEndian(buffer[length..], SrtpPacket.Encrypted | index);
                var mac = stackalloc byte[SrtpCipher.MacSize];
                _session.Rtcp.Mac(start, length + SrtpPacket.RtcpIndex, null, mac);
                new ReadOnlySpan<byte>(mac, _session.TagLength).CopyTo(buffer[(length + SrtpPacket.RtcpIndex)..]);
            }
        }

        return length + _session.TagLength + SrtpPacket.RtcpIndex;
    }

    /// <summary>Asks for what this object points to.</summary>
    internal void PrefetchKeys()
    {
        Prefetch.Object(_session);
        Prefetch.Object(_rtp);
        Prefetch.Memory(_context, SrtpCipher.ContextSize);
        Prefetch.Object(_streams);
    }

    /// <summary>The next step.</summary>
    internal void PrefetchStreams() => _streams.Prefetch();

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private bool SealRtpByMac(byte* start, int header, int length, uint ssrc, ulong index)
    {
        if (!_session.Rtp.CounterMode(ssrc, index, start + header, length - header))
        {
            return false;
        }

        var mac = stackalloc byte[SrtpCipher.MacSize];
        _session.Rtp.Mac(start, length, (uint)(index >> 16), mac);
        Buffer.MemoryCopy(mac, start + length, _session.TagLength, _session.TagLength);
        return true;
    }

    private ref SrtpStream FindOrAdd(uint ssrc)
    {
        ref var stream = ref _streams.Find(ssrc);
        if (Unsafe.IsNullRef(ref stream) && !_streams.IsFull)
        {
            return ref _streams.Add(ssrc);
        }

        return ref stream;
    }
}
