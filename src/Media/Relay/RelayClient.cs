using System.Buffers.Binary;

namespace VoiceCluster.Media.Relay;

/// <summary>
/// The client's end of the relay, for native clients, tests and benchmarks: writes packets and reads what the server sends.
/// Sans-IO; `now` is microseconds of a clock that only moves forward. One thread.
/// </summary>
public sealed class RelayClient : IDisposable
{
    private readonly UInt128 _user;
    private readonly UInt128 _channel;
    private readonly byte[] _session;
    private readonly RelayCipher? _cipher;
    private uint _sequence;
    private ulong _last;

    /// <param name="user">The user's id.</param>
    /// <param name="channel">The channel's id.</param>
    /// <param name="session">The 16 bytes from the WebSocket.</param>
    /// <param name="key">The 16 bytes of the key, or null to send in the clear.</param>
    public RelayClient(Guid user, Guid channel, ReadOnlySpan<byte> session, byte[]? key)
    {
        _user = RelayIdentity.ToBytes(user);
        _channel = RelayIdentity.ToBytes(channel);
        _session = session.ToArray();
        _cipher = key is null ? null : new RelayCipher(key, isServer: false);
    }

    /// <summary>Proves this socket's address. Send it again, with a new call, until a Pong comes.</summary>
    public int WriteStart(Span<byte> buffer, long now) => WriteControl(buffer, RelayPacketType.AudioStart, _session, now);

    /// <summary>Stops speaking for now.</summary>
    public int WriteStop(Span<byte> buffer, long now) => WriteControl(buffer, RelayPacketType.AudioStop, [], now);

    /// <summary>Answers a Ping of the server.</summary>
    public int WritePong(Span<byte> buffer, ReadOnlySpan<byte> ping, long now) => WriteControl(buffer, RelayPacketType.Pong, ping, now);

    /// <summary>Keeps the address proved, and tells the share of packets lost since the last one, of 256.</summary>
    public int WritePing(Span<byte> buffer, byte lost, long now)
    {
        Span<byte> payload = stackalloc byte[9];
        BinaryPrimitives.WriteInt64BigEndian(payload, now);
        payload[8] = lost;
        return WriteControl(buffer, RelayPacketType.Ping, payload, now);
    }

    /// <summary>One Opus packet, captured at <paramref name="now"/>.</summary>
    public int WriteAudio(Span<byte> buffer, ReadOnlySpan<byte> opus, long now) => Write(buffer, RelayPacketType.Audio, _sequence++, opus, now);

    /// <summary>A frame in which nothing was said.</summary>
    public int WriteSilence(Span<byte> buffer, long now) => Write(buffer, RelayPacketType.Silence, _sequence++, [], now);

    /// <summary>Reads a packet of the server, decrypting it in place. False when it is none of this channel's.</summary>
    public bool TryRead(Span<byte> datagram, out RelayHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!RelayHeader.TryParse(datagram, out header) || header.Channel != _channel || header.IsEncrypted != _cipher is not null)
        {
            return false;
        }

        var length = datagram.Length;
        if (_cipher is not null && !_cipher.TryOpen(datagram, out length))
        {
            return false;
        }

        payload = datagram[RelayHeader.Length..length];
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _cipher?.Dispose();

    private int WriteControl(Span<byte> buffer, RelayPacketType type, ReadOnlySpan<byte> payload, long now) =>
        Write(buffer, type, _sequence, payload, now);

    private int Write(Span<byte> buffer, RelayPacketType type, uint sequence, ReadOnlySpan<byte> payload, long now)
    {
        // Never the same time twice, so that no sequence number and time meet again under one key.
        _last = Math.Max(_last + 1, (ulong)now);
        new RelayHeader
        {
            User = _user,
            Channel = _channel,
            Sequence = sequence,
            Timestamp = _last,
            Type = type,
            IsEncrypted = _cipher is not null,
            SampleRate = 48_000,
            Channels = 2,
        }.Write(buffer);
        payload.CopyTo(buffer[RelayHeader.Length..]);
        var length = RelayHeader.Length + payload.Length;
        return _cipher is null ? length : _cipher.Seal(buffer, length);
    }
}
