using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using VoiceCluster.Media.Interop;

namespace VoiceCluster.Media.Srtp;

/// <summary>
/// The receiving half of an SRTP session (RFC 3711 §3.3, RFC 7714): authenticates and decrypts in place.
/// Roll-over counter, replay window and new SSRCs are kept only for packets that proved authentic; the rest is counted by the caller.
/// One thread at a time; allocates only for a new SSRC.
/// </summary>
public sealed unsafe class SrtpReceiver : IDisposable
{
    private readonly SrtpSession _session;
    private readonly SrtpCipher _rtp;
    private readonly nint _context;
    private readonly SrtpStreamTable _streams;

    /// <param name="profile">One of the three.</param>
    /// <param name="masterKey">Exactly <see cref="SrtpProfiles.KeyLength"/> bytes.</param>
    /// <param name="masterSalt">Exactly <see cref="SrtpProfiles.SaltLength"/> bytes.</param>
    /// <param name="maxStreams">SSRCs that this session may open, RTP and RTCP together.</param>
    public SrtpReceiver(SrtpProfile profile, ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt, int maxStreams = 1024)
        : this(SrtpSession.FromMaster(profile, masterKey, masterSalt, encrypt: false), maxStreams)
    {
    }

    internal SrtpReceiver(SrtpSession session, int maxStreams = 1024)
    {
        _session = session;
        _rtp = session.Rtp;
        _context = session.Rtp.Context;
        _streams = new SrtpStreamTable(maxStreams);
    }

    /// <summary>The profile given.</summary>
    public SrtpProfile Profile => _session.Profile;

    /// <summary>SSRCs opened.</summary>
    public int StreamCount => _streams.Count;

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

    /// <summary>Opens an SRTP packet in place. On <see cref="DropReason.None"/> the RTP packet is the first <paramref name="length"/> bytes; else the bytes are spoilt.</summary>
    public DropReason UnprotectRtp(Span<byte> packet, out int length)
    {
        length = packet.Length - _session.TagLength;
        var header = length < 0 ? -1 : SrtpPacket.RtpHeaderLength(packet[..length]);
        if (header < 0)
        {
            return Drop(DropReason.SrtpMalformed, out length);
        }

        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet[8..]);
        ref var stream = ref _streams.Find(ssrc);
        var known = !Unsafe.IsNullRef(ref stream);
        if (!known && _streams.IsFull)
        {
            return Drop(DropReason.SrtpTooManyStreams, out length);
        }

        ulong index = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (known && (!stream.Rtp.TryEstimate((ushort)index, out index) || !stream.Rtp.IsFresh(index)))
        {
            return Drop(DropReason.SrtpReplay, out length);
        }

        fixed (byte* start = packet)
        {
            if (_session.IsAead)
            {
                if (!_session.Rtp.Open(ssrc, index, packet[..header], default, start + header, length - header, start + length))
                {
                    return Drop(DropReason.SrtpAuthentication, out length);
                }
            }
            else
            {
                var mac = stackalloc byte[SrtpCipher.MacSize];
                _session.Rtp.Mac(start, length, (uint)(index >> 16), mac);
                if (!CryptographicOperations.FixedTimeEquals(new ReadOnlySpan<byte>(mac, _session.TagLength), packet[length..])
                    || !_session.Rtp.CounterMode(ssrc, index, start + header, length - header))
                {
                    return Drop(DropReason.SrtpAuthentication, out length);
                }
            }
        }

        if (!known)
        {
            stream = ref _streams.Add(ssrc);
        }

        stream.Rtp.Commit(index);
        return DropReason.None;
    }

    /// <summary>Opens an SRTCP packet likewise.</summary>
    public DropReason UnprotectRtcp(Span<byte> packet, out int length)
    {
        length = packet.Length - _session.TagLength - SrtpPacket.RtcpIndex;
        if (length < SrtpPacket.RtcpHeader || !SrtpPacket.IsRtcp(packet))
        {
            return Drop(DropReason.SrtpMalformed, out length);
        }

        // RFC 7714 §9.2 puts the index last, RFC 3711 §3.4 before the tag.
        var indexAt = _session.IsAead ? length + _session.TagLength : length;
        var word = BinaryPrimitives.ReadUInt32BigEndian(packet[indexAt..]);
        if ((word & SrtpPacket.Encrypted) == 0)
        {
            // RFC 8827 §6.5 forbids media in the clear; no profile agreed here leaves RTCP unencrypted.
            return Drop(DropReason.SrtpMalformed, out length);
        }

        var index = word & SrtpPacket.LastRtcpIndex;
        var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        ref var stream = ref _streams.Find(ssrc);
        var known = !Unsafe.IsNullRef(ref stream);
        if (!known && _streams.IsFull)
        {
            return Drop(DropReason.SrtpTooManyStreams, out length);
        }

        if (known && !stream.Rtcp.IsFresh(index))
        {
            return Drop(DropReason.SrtpReplay, out length);
        }

        fixed (byte* start = packet)
        {
            var payload = start + SrtpPacket.RtcpHeader;
            if (_session.IsAead)
            {
                if (!_session.Rtcp.Open(ssrc, index, packet[..SrtpPacket.RtcpHeader], packet[indexAt..], payload, length - SrtpPacket.RtcpHeader, start + length))
                {
                    return Drop(DropReason.SrtpAuthentication, out length);
                }
            }
            else
            {
                var mac = stackalloc byte[SrtpCipher.MacSize];
                _session.Rtcp.Mac(start, length + SrtpPacket.RtcpIndex, null, mac);
                if (!CryptographicOperations.FixedTimeEquals(new ReadOnlySpan<byte>(mac, _session.TagLength), packet[(length + SrtpPacket.RtcpIndex)..])
                    || !_session.Rtcp.CounterMode(ssrc, index, payload, length - SrtpPacket.RtcpHeader))
                {
                    return Drop(DropReason.SrtpAuthentication, out length);
                }
            }
        }

        if (!known)
        {
            stream = ref _streams.Add(ssrc);
        }

        stream.Rtcp.Commit(index);
        return DropReason.None;
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    private static DropReason Drop(DropReason reason, out int length)
    {
        length = 0;
        return reason;
    }
}
