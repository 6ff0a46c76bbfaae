using System.Globalization;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>A room of many participants with a transport each, who send a packet every 20 ms in virtual time.</summary>
internal sealed class Conference : IRouterListener
{
    private readonly Dictionary<string, Seat> _seats = [];
    private long _routerDue;

    public Conference() => Router = new Router("room", new RouterOptions { Seed = 1 }, this);

    public Router Router { get; }

    public long Now { get; private set; } = 1_000_000;

    public List<(long Now, string[] Producers)> Speakers { get; } = [];

    public Seat this[string name] => _seats[name];

    /// <summary>What an SDP client negotiates: its own payload type and ids.</summary>
    public static RtpParameters Negotiated(string mid) => MediaFixtures.Parse($$"""
        {"mid":"{{mid}}","codecs":[{"mimeType":"audio/opus","payloadType":109,"clockRate":48000,"channels":2,"parameters":{"useinbandfec":1},"rtcpFeedback":[]}],
         "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":3},{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":9}],
         "encodings":[],"rtcp":{} }
        """);

    public Seat Join(string name)
    {
        var seat = new Seat(this, name);
        _seats.Add(name, seat);
        return seat;
    }

    /// <summary>Lets time pass; everybody with a level speaks.</summary>
    public void Run(long duration)
    {
        for (var end = Now + duration; Now < end;)
        {
            Now += 1_000;
            foreach (var seat in _seats.Values)
            {
                seat.Speak(Now);
                if (seat.Transport.Deadline <= Now)
                {
                    seat.Transport.Advance(Now);
                }
            }

            if (Now >= _routerDue)
            {
                _routerDue = Router.Advance(Now);
            }
        }
    }

    /// <summary>Whether reports of speakers are kept; not while allocations are counted.</summary>
    public bool Keeps { get; set; } = true;

    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
        if (!Keeps)
        {
            return;
        }

        var ids = new string[speakers.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = speakers[i].Producer.Id;
        }

        Speakers.Add((Now, ids));
    }

    public void OnProducerClosed(Router router, Producer producer)
    {
    }

    public void OnConsumerClosed(Router router, Consumer consumer)
    {
    }

    /// <summary>One participant.</summary>
    public sealed class Seat
    {
        private readonly Conference _conference;
        private readonly string _name;
        private readonly uint _ssrc;
        private readonly byte[] _packet;
        private long _next;
        private ushort _sequence;
        private uint _timestamp;

        public Seat(Conference conference, string name)
        {
            _conference = conference;
            _name = name;
            _ssrc = 1_000 + (uint)conference._seats.Count;
            _sequence = (ushort)(65_500 + (100 * conference._seats.Count));
            _timestamp = (uint)(77_777_777L * conference._seats.Count);
            _next = conference.Now + (3_000 * conference._seats.Count % 20_000);
            Transport = new LoopbackTransport(conference.Router, name) { RtpSent = (p, at) => Take(p, at) };
            _packet = MediaFixtures.Opus(_ssrc, 0, 0);
        }

        public LoopbackTransport Transport { get; }

        public Producer? Producer { get; private set; }

        /// <summary>−dBov; null sends nothing.</summary>
        public byte? Level { get; set; }

        /// <summary>Sent in place of the fixed payload, each for 20 ms, again and again; without a level in the header.</summary>
        public byte[][]? Voice { get; set; }

        /// <summary>Whether received packets are kept; not while allocations are counted.</summary>
        public bool Keeps { get; set; } = true;

        public List<(long Now, SentRtp Packet)> Received { get; } = [];

        public Producer Produce(byte? level)
        {
            Level = level;
            return Producer = Transport.Produce($"p-{_name}", MediaKind.Audio, MediaFixtures.Audio(_ssrc), false, _conference.Now).Value!;
        }

        public SlotConsumer[] OpenSlots(int count, string prefix = "slot")
        {
            string[] ids = [.. Enumerable.Range(0, count).Select(i => $"{prefix}-{_name}-{i.ToString(CultureInfo.InvariantCulture)}")];
            var slots = Transport.ConsumeLoudest(ids, [.. ids.Select((_, i) => Negotiated($"{prefix}{i}"))], false, _conference.Now);
            Assert.True(slots.IsOk, slots.Error);
            return slots.Value;
        }

        public MixConsumer OpenMix(string id = "mix")
        {
            var mix = Transport.ConsumeMix($"{id}-{_name}", Negotiated(id), false, _conference.Now);
            Assert.True(mix.IsOk, mix.Error);
            return mix.Value;
        }

        public SentRtp[] ReceivedBy(Consumer consumer) =>
            [.. Received.Where(r => r.Packet.Ssrc == consumer.RtpParameters.Encodings[0].Ssrc).Select(r => r.Packet)];

        public void Speak(long now)
        {
            if (now < _next)
            {
                return;
            }

            _next += 20_000;
            _sequence++;
            _timestamp += 960;
            if (Voice is not null)
            {
                Transport.ReceiveRtp(MediaFixtures.Packet(MediaFixtures.ClientOpus, _ssrc, _sequence, _timestamp, Voice[_sequence % Voice.Length]), now);
            }
            else if (Level is { } level)
            {
                // Header of 12 bytes, extension of 4, id and length, level; then the payload.
                System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(_packet.AsSpan(2), _sequence);
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(4), _timestamp);
                _packet[17] = (byte)(0x80 | level);
                Transport.ReceiveRtp(_packet, now);
            }
        }

        private void Take(ReadOnlySpan<byte> packet, long at)
        {
            if (Keeps)
            {
                Received.Add((at, SentRtp.From(packet)));
            }
        }
    }
}
