using System.Buffers.Binary;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Relay;

/// <summary>
/// What the client gets. Sequence numbers of one transport never repeat together with a timestamp, because each stream has
/// a range of numbers of its own and timestamps begin with the clock: so no nonce is used twice.
/// </summary>
public sealed partial class RelayTransport
{
    /// <summary>Bytes of the RTP header that consumers write: no CSRC, and no extension because none is negotiated.</summary>
    private const int RtpLength = RtpPacket.FixedHeaderLength;

    /// <summary>Streams are numbered in the top 8 bits of a sequence number, packets of one in the other 24.</summary>
    private const int RangeBits = 24;
    private const uint RangeMask = (1u << RangeBits) - 1;

    /// <summary>The range of what the server itself says.</summary>
    private const uint ControlRange = 255;

    /// <summary>µs between two pings of ours.</summary>
    private const long PingInterval = 2_000_000;

    private readonly Dictionary<uint, Stream> _sending = [];
    private readonly bool[] _rangeTaken = new bool[ControlRange];
    private readonly RelayBitrate _bitrate;
    private readonly List<uint> _ended = [];
    private uint _lastRange;
    private uint _controlSequence;
    private ulong _controlTime;
    private ulong _sentUpTo;
    private long _pingAt;
    private long _hintAt;

    /// <summary>Frames of the mix come also in silence, so that a native client's playback never starves.</summary>
    protected internal override bool FillsMix => true;

    /// <summary>Says whose voice a consumer carries; its packets bear that user's id. Without, and for the mix, the id is 0.</summary>
    public void NameSource(Routing.Consumer consumer, Guid user)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        if (FindStream(consumer.Sender.Ssrc.Value) is { } stream)
        {
            stream.User = RelayIdentity.ToBytes(user);
        }
    }

    /// <inheritdoc/>
    protected internal override Span<byte> RentPacket() =>
        State == RelayTransportState.Connected ? _worker.RelaySink!.Rent()[(RelayHeader.Length - RtpLength)..] : [];

    /// <inheritdoc/>
    protected internal override void CommitRtp(int length, long now)
    {
        // Rent gives the same buffer again until something is sent; the RTP packet lies where its payload is to be.
        var buffer = _worker.RelaySink!.Rent();
        if (!RtpPacket.TryParse(buffer.Slice(RelayHeader.Length - RtpLength, length), out var packet)
            || packet.Payload.Length != length - RtpLength
            || FindStream(packet.Ssrc.Value) is not { } stream)
        {
            Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        stream.Step(packet.SequenceNumber.Value, packet.Timestamp, this, now);
        Send(buffer, RelayHeader.Length - RtpLength + length, stream.User, stream.Sequence, stream.Time, RelayPacketType.Audio);
    }

    /// <summary>The relay has no RTCP: Ping, Pong and Bitrate take its place.</summary>
    protected internal override void CommitRtcp(int length, long now)
    {
    }

    private static void WriteRtp(Span<byte> packet, ushort sequence, uint timestamp, bool begins)
    {
        packet[0] = 0x80;

        // RFC 3551 §4.1: the marker is on the first packet of a talkspurt.
        packet[1] = (byte)(OpusPayloadType | (begins ? 0x80 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet[4..], timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(packet[8..], ProducerSsrc);
    }

    /// <summary>Microseconds of Unix time, never before what was sent.</summary>
    private ulong Clock(long now) => Math.Max(_sentUpTo + 1, (ulong)Math.Max(0, now + Router.Options.UnixTimeOffset));

    private void Send(Span<byte> buffer, int length, UInt128 user, uint sequence, ulong time, RelayPacketType type)
    {
        new RelayHeader
        {
            User = user,
            Channel = Identity.Channel,
            Sequence = sequence,
            Timestamp = time,
            Type = type,
            IsEncrypted = _isEncrypted,
            SampleRate = Opus.ClockRate,
            Channels = 2,
        }.Write(buffer);
        _sentUpTo = Math.Max(_sentUpTo, time);
        if (_isEncrypted)
        {
            length = _cipher!.Seal(buffer, length);
        }

        if (length < 0)
        {
            Stats.CountDrop(DropReason.SendFailed);
            return;
        }

        _worker.RelaySink!.Send(length, _address);
    }

    private void SendControl(RelayPacketType type, ReadOnlySpan<byte> payload, long now)
    {
        var buffer = _worker.RelaySink!.Rent();
        payload.CopyTo(buffer[RelayHeader.Length..]);
        var sequence = (ControlRange << RangeBits) | (_controlSequence++ & RangeMask);
        _controlTime = Math.Max(_controlTime + 1, (ulong)Math.Max(0, now + Router.Options.UnixTimeOffset));
        Send(buffer, RelayHeader.Length + payload.Length, 0, sequence, _controlTime, type);
    }

    /// <summary>Pings, and advises the bitrate; returns when to call again.</summary>
    private long SendDue(long now)
    {
        if (now >= _pingAt)
        {
            _pingAt = now + PingInterval;
            Span<byte> token = stackalloc byte[sizeof(long)];
            BinaryPrimitives.WriteInt64BigEndian(token, now);
            SendControl(RelayPacketType.Ping, token, now);
        }

        if (now >= _hintAt)
        {
            _hintAt = now + RelayBitrate.Interval;
            Advise(now);
        }

        return Math.Min(_pingAt, _hintAt);
    }

    private void Advise(long now)
    {
        if (Producers.Count == 0 || !_speaks)
        {
            return;
        }

        var loss = LossOf(Producers[0]);
        if (_bitrate.Update(loss, now))
        {
            Span<byte> advice = stackalloc byte[5];
            BinaryPrimitives.WriteInt32BigEndian(advice, _bitrate.Bitrate);
            advice[4] = (byte)loss;
            SendControl(RelayPacketType.Bitrate, advice, now);
        }
    }

    /// <summary>Of 256: what is lost on the way here, and on the way on by the mean of those who receive it, for one bad line among many must not spoil the others' sound.</summary>
    private static int LossOf(Routing.Producer producer)
    {
        var here = 0;
        foreach (var stream in producer.Streams)
        {
            here = Math.Max(here, stream?.Statistics.FractionLost ?? 0);
        }

        var (sum, count) = (0, 0);
        foreach (var consumer in producer.Consumers)
        {
            if (!consumer.IsPaused)
            {
                (sum, count) = (sum + consumer.Sender.FractionLost, count + 1);
            }
        }

        return Math.Max(here, count == 0 ? 0 : sum / count);
    }

    /// <summary>A ping's ninth byte is the share that the client has lost since the ping before, of 256.</summary>
    private void NoteLoss(ReadOnlySpan<byte> payload, long now)
    {
        if (payload.Length <= sizeof(long))
        {
            return;
        }

        Stats.FractionLost = payload[sizeof(long)];
        foreach (var consumer in Consumers)
        {
            consumer.Sender.OnReportBlock(
                new ReportBlock(consumer.Sender.Ssrc, payload[sizeof(long)], 0, 0, 0, 0, 0), Router.Options.UnixTimeOffset, now);
        }
    }

    private void NotePong(ReadOnlySpan<byte> payload, long now)
    {
        if (payload.Length == sizeof(long) && now - BinaryPrimitives.ReadInt64BigEndian(payload) is >= 0 and < PingInterval * 5 and var trip)
        {
            Stats.RoundTrip = Math.Max(1, trip);
        }
    }

    private Stream? FindStream(uint ssrc)
    {
        if (_sending.TryGetValue(ssrc, out var stream))
        {
            return stream;
        }

        // A new consumer's first packet: those that have ended give their ranges back.
        _ended.Clear();
        foreach (var known in _sending.Keys)
        {
            if (!HasConsumer(known))
            {
                _ended.Add(known);
            }
        }

        foreach (var ended in _ended)
        {
            _rangeTaken[_sending[ended].Range] = false;
            _sending.Remove(ended);
        }

        for (var i = 0u; i < ControlRange; i++)
        {
            // In turn, so that one that was given back rests as long as possible.
            var range = (_lastRange + i) % ControlRange;
            if (!_rangeTaken[range])
            {
                _rangeTaken[range] = true;
                _lastRange = range + 1;
                stream = new Stream(range);
                _sending.Add(ssrc, stream);
                return stream;
            }
        }

        return null;
    }

    private bool HasConsumer(uint ssrc)
    {
        foreach (var consumer in Consumers)
        {
            if (consumer.Sender.Ssrc.Value == ssrc)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>One consumer's packets: 16-bit numbers and 32-bit samples widened to what the header has.</summary>
    private sealed class Stream(uint range)
    {
        private bool _started;
        private ushort _lastSequence;
        private uint _lastTimestamp;
        private long _count;
        private long _samples;
        private ulong _base;

        public uint Range => range;

        public UInt128 User { get; set; }

        public uint Sequence => (range << RangeBits) | ((uint)_current & RangeMask);

        /// <summary>Microseconds: the clock at the stream's first packet, and on by samples.</summary>
        public ulong Time { get; private set; }

        private long _current;

        public void Step(ushort sequence, uint timestamp, RelayTransport transport, long now)
        {
            if (!_started)
            {
                _started = true;
                (_lastSequence, _lastTimestamp) = (sequence, timestamp);
                _base = transport.Clock(now);
            }

            var step = (short)(sequence - _lastSequence);
            _current = _count + step;
            var samples = _samples + (int)(timestamp - _lastTimestamp);
            if (step > 0)
            {
                (_count, _samples, _lastSequence, _lastTimestamp) = (_current, samples, sequence, timestamp);
            }

            Time = _base + (ulong)Math.Max(0, samples * 1_000 / 48);
        }
    }
}
