using VoiceCluster.Media.Srtp;

namespace VoiceCluster.LoadTest;

/// <summary>Who says when a packet came.</summary>
internal enum ArrivalClock
{
    /// <summary>The kernel, where it does (SO_TIMESTAMPNS); else the program.</summary>
    Kernel,

    /// <summary>The program, once it has read it.</summary>
    Program,
}

/// <summary>Who comes over plain transports, without ICE and DTLS.</summary>
internal enum PlainMembers
{
    /// <summary>Nobody.</summary>
    None,

    /// <summary>Subscribers, in the rooms of WebRTC publishers.</summary>
    Subscribers,

    /// <summary>Everybody, in routers of the media node's own.</summary>
    All,
}

/// <summary>What a run does. The command line names each property; <see cref="CommandLine"/> reads it.</summary>
internal sealed record BenchOptions
{
    /// <summary>The deployment's address. Default http://127.0.0.1:8080.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:8080");

    /// <summary>A token, for deployments that ask for one.</summary>
    public string? Token { get; init; }

    /// <summary>Who comes over plain transports.</summary>
    public PlainMembers Plain { get; init; }

    /// <summary>The media node's address, for plain transports. Default http://127.0.0.1:8089.</summary>
    public Uri Admin { get; init; } = new("http://127.0.0.1:8089");

    /// <summary>Its Media:AdminToken, if it has one.</summary>
    public string? AdminToken { get; init; }

    /// <summary>Where the server's CPU and memory are read; default <c>/metrics</c> of <see cref="Url"/>.</summary>
    public Uri? Metrics { get; init; }

    /// <summary>False with <c>--metrics none</c>.</summary>
    public bool ReadsMetrics { get; init; } = true;

    /// <summary>Rooms.</summary>
    public int Rooms { get; init; } = 1;

    /// <summary>Members of each room that send.</summary>
    public int Publishers { get; init; } = 1;

    /// <summary>Members of each room that only receive; each gets every stream of its room.</summary>
    public int Subscribers { get; init; } = 10;

    /// <summary>Publishers receive one another as well.</summary>
    public bool Conference { get; init; }

    /// <summary>Publishers send sound.</summary>
    public bool Audio { get; init; } = true;

    /// <summary>Publishers send video.</summary>
    public bool Video { get; init; }

    /// <summary>0: through the Socket.IO door, each stream by itself. Else through the voice service, with so many slots for the loudest.</summary>
    public int Slots { get; init; }

    /// <summary>Publishers' loudness goes up and down, so that the loudest change; else all are equally loud.</summary>
    public bool Lively { get; init; }

    /// <summary>Packets of sound a second of a publisher.</summary>
    public double Rate { get; init; } = 50;

    /// <summary>Payload bytes of a packet of sound; 120 make 172 on the wire.</summary>
    public int Payload { get; init; } = 120;

    /// <summary>Bytes over which the payload of sound varies, half of them up and half down, as with VBR Opus.</summary>
    public int PayloadSpread { get; init; }

    /// <summary>Frames of video a second.</summary>
    public double FrameRate { get; init; } = 30;

    /// <summary>Packets of a frame.</summary>
    public int FramePackets { get; init; } = 8;

    /// <summary>Payload bytes of a packet of video.</summary>
    public int VideoPayload { get; init; } = 1150;

    /// <summary>How long is measured.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long media flows before it is measured.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Subscribers who leave and come back, a minute.</summary>
    public double Churn { get; init; }

    /// <summary>Members who join at the same time.</summary>
    public int Joins { get; init; } = 8;

    /// <summary>Threads for media.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>The longest time between two looks at a socket; those that receive a lot are looked at each 20 ms.</summary>
    public TimeSpan Sweep { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Who says when a packet came.</summary>
    public ArrivalClock Arrival { get; init; }

    /// <summary>The kernel may hand over packets for one socket together (UDP_GRO), which over loopback spares the server the cutting.</summary>
    public bool Gro { get; init; }

    /// <summary>The SRTP suite offered; none for all.</summary>
    public SrtpProfile Srtp { get; init; } = SrtpProfile.None;

    /// <summary>Plain transports carry RTP in the clear.</summary>
    public bool IsClear { get; init; }

    /// <summary>The suite of plain transports as the signalling names it; null for RTP in the clear.</summary>
    public string? PlainSuite => IsClear ? null : Srtp switch
    {
        SrtpProfile.Aes128CmSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        SrtpProfile.AeadAes256Gcm => "AEAD_AES_256_GCM",
        _ => SrtpParameters.DefaultSuite,
    };

    /// <summary>Rooms are named by this and a number.</summary>
    public string RoomPrefix { get; init; } = "voicebench";

    /// <summary>A file for the figures as JSON; "-" for the standard output.</summary>
    public string? Json { get; init; }

    /// <summary>Percent of packets lost above which the exit code is 1.</summary>
    public double MaxLoss { get; init; } = 100;

    /// <summary>Streams that each publisher sends.</summary>
    public int StreamsPerPublisher => (Audio ? 1 : 0) + (Video ? 1 : 0);

    /// <summary>Streams that a subscriber receives.</summary>
    public int StreamsPerSubscriber => Publishers * StreamsPerPublisher;

    /// <summary>Streams received in all rooms together.</summary>
    public long Consumers => Slots > 0
        ? Rooms * (((long)Subscribers * Math.Min(Slots, Publishers)) + (Conference ? (long)Publishers * Math.Min(Slots, Publishers - 1) : 0))
        : (long)Rooms * StreamsPerPublisher * (((long)Publishers * Subscribers) + (Conference ? (long)Publishers * (Publishers - 1) : 0));
}
