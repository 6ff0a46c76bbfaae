using System.Globalization;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.LoadTest;

/// <summary>Reads the command line. All faults are told at once.</summary>
internal static class CommandLine
{
    /// <summary>What <c>--help</c> prints.</summary>
    public const string Help = """
        voicebench: load for a VoiceCluster deployment, by WebRTC clients without codecs (ICE, DTLS, SRTP), through the Socket.IO door, or the voice service.

          voicebench --url http://127.0.0.1:8080 --rooms 2 --publishers 3 --subscribers 20 --duration 30s

        Where
          --url URL             the deployment (http://127.0.0.1:8080)
          --token TOKEN         for deployments that ask for one
          --metrics URL|none    where the server's CPU and memory are read (URL/metrics)
          --room-prefix NAME    rooms are called NAME-0, NAME-1, … (voicebench)

        Who
          --rooms N             rooms (1)
          --publishers N        members of each room who send (1)
          --subscribers N       members of each room who receive every stream of it (10)
          --conference          publishers receive one another as well
          --plain WHO           over plain transports: subscribers, or all, who then have routers of their own in place of rooms (none)
          --admin URL           the media node, which makes plain transports (http://127.0.0.1:8089)
          --admin-token TOKEN   its Media:AdminToken
          --slots N             through the voice service, each receiving the N loudest, in place of every stream (0: not)
          --churn N             subscribers who leave and come back, a minute (0)
          --joins N             members who join at the same time (8)

        What
          --rate N              packets of sound a second of a publisher (50)
          --payload BYTES       of a packet of sound (120)
          --payload-spread N    bytes over which that varies, evenly around it, as with VBR Opus (0)
          --lively              publishers' loudness goes up and down, so that the loudest change
          --no-audio            no sound
          --video               publishers send VP8 as well
          --frame-rate N        frames a second (30)
          --frame-packets N     packets of a frame (8)
          --video-payload BYTES of a packet of video (1150)
          --srtp SUITE          gcm, gcm256, cm (AES-CM with HMAC-SHA1-80), any; none for plain transports in the clear (any)

        How
          --duration TIME       measured: 30s, 5m, 1h (30s)
          --warm-up TIME        not measured (3s)
          --loops N             threads for media (1)
          --sweep TIME          the longest between two looks at a socket (100ms)
          --arrival CLOCK       who says when a packet came: kernel, or program for comparison (kernel)
          --gro                 let the kernel hand over packets together (UDP_GRO); over loopback the server, too, is spared work then
          --json FILE           writes the figures; - for the standard output
          --max-loss PERCENT    exit code 1 above it (100)

        The exit code is 0 after a run, 1 when it failed or lost more than --max-loss, 2 for a wrong command line.
        """;

    private static readonly string[] Flags = ["conference", "gro", "lively", "no-audio", "video"];

    /// <summary>Null with the faults, each a sentence.</summary>
    public static BenchOptions? Parse(string[] args, out IReadOnlyList<string> faults)
    {
        var reader = new Reader();
        var options = new BenchOptions();
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = Split(args[i]);
            if (name is null)
            {
                reader.Faults.Add($"'{args[i]}' is no option; options begin with --.");
                continue;
            }

            if (value is null && !Flags.Contains(name))
            {
                if (i + 1 == args.Length)
                {
                    reader.Faults.Add($"--{name} needs a value.");
                    continue;
                }

                value = args[++i];
            }

            options = Apply(options, name, value ?? "", reader);
        }

        if (options is { Audio: false, Video: false })
        {
            reader.Faults.Add("--no-audio without --video leaves nothing to send.");
        }

        if (options.Payload - (options.PayloadSpread / 2) <= Media.PacketSource.StampSize)
        {
            reader.Faults.Add($"--payload-spread is {options.PayloadSpread}; half of it must leave more than {Media.PacketSource.StampSize} bytes of --payload {options.Payload}.");
        }

        if (options.Slots == 1)
        {
            reader.Faults.Add("--slots is 1; a single section would receive the mix, so it must be 0 or 2 to 16.");
        }

        if (options.Plain != PlainMembers.None && options.Slots > 0)
        {
            reader.Faults.Add("--plain and --slots exclude each other: the voice service has no plain transports.");
        }

        if (options.IsClear && options.Plain == PlainMembers.None)
        {
            reader.Faults.Add("--srtp none is for --plain: WebRTC is always encrypted.");
        }

        if (options.Slots > 0 && (options.Video || !options.Audio))
        {
            reader.Faults.Add("--slots is for sound: neither --video nor --no-audio goes with it.");
        }

        faults = reader.Faults;
        return faults.Count == 0 ? options : null;
    }

    private static (string? Name, string? Value) Split(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return (null, null);
        }

        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument[2..], null) : (argument[2..equals], argument[(equals + 1)..]);
    }

    private static BenchOptions Apply(BenchOptions options, string name, string value, Reader read) => name switch
    {
        "url" => options with { Url = read.Url(name, value) },
        "token" => options with { Token = value },
        "metrics" when value == "none" => options with { ReadsMetrics = false },
        "metrics" => options with { Metrics = read.Url(name, value) },
        "room-prefix" => options with { RoomPrefix = read.Name(name, value) },
        "rooms" => options with { Rooms = read.Whole(name, value, 1, 10_000) },
        "publishers" => options with { Publishers = read.Whole(name, value, 1, 10_000) },
        "subscribers" => options with { Subscribers = read.Whole(name, value, 0, 100_000) },
        "conference" => options with { Conference = true },
        "slots" => options with { Slots = read.Whole(name, value, 0, 16) },
        "lively" => options with { Lively = true },
        "churn" => options with { Churn = read.Number(name, value, 0, 100_000) },
        "joins" => options with { Joins = read.Whole(name, value, 1, 1_000) },
        "rate" => options with { Rate = read.Number(name, value, 1, 100_000) },
        "payload" => options with { Payload = read.Whole(name, value, Media.PacketSource.StampSize + 1, 1_300) },
        "payload-spread" => options with { PayloadSpread = read.Whole(name, value, 0, 400) },
        "no-audio" => options with { Audio = false },
        "video" => options with { Video = true },
        "frame-rate" => options with { FrameRate = read.Number(name, value, 1, 10_000) },
        "frame-packets" => options with { FramePackets = read.Whole(name, value, 1, 500) },
        "video-payload" => options with { VideoPayload = read.Whole(name, value, Media.PacketSource.StampSize + 2, 1_300) },
        "plain" => options with { Plain = read.Plain(name, value) },
        "admin" => options with { Admin = read.Url(name, value) },
        "admin-token" => options with { AdminToken = value },
        "srtp" when value == "none" => options with { IsClear = true },
        "srtp" => options with { Srtp = read.Suite(name, value) },
        "duration" => options with { Duration = read.Time(name, value, TimeSpan.FromSeconds(1)) },
        "warm-up" => options with { WarmUp = read.Time(name, value, TimeSpan.Zero) },
        "loops" => options with { Loops = read.Whole(name, value, 1, 64) },
        "sweep" => options with { Sweep = read.Time(name, value, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1)) },
        "arrival" => options with { Arrival = read.Arrival(name, value) },
        "gro" => options with { Gro = true },
        "json" => options with { Json = value },
        "max-loss" => options with { MaxLoss = read.Number(name, value, 0, 100) },
        _ => read.Unknown(options, name),
    };

    private sealed class Reader
    {
        public List<string> Faults { get; } = [];

        public BenchOptions Unknown(BenchOptions options, string name)
        {
            Faults.Add($"--{name} is unknown; --help lists all options.");
            return options;
        }

        public Uri Url(string name, string value)
        {
            if (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            {
                return url;
            }

            Faults.Add($"--{name} is '{value}'; it must be an http or https URL.");
            return new Uri("http://127.0.0.1");
        }

        public string Name(string name, string value)
        {
            if (value.Length is < 1 or > 64 || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            {
                Faults.Add($"--{name} is '{value}'; it must be 1 to 64 letters, digits, '-', '_' or '.'.");
            }

            return value;
        }

        public int Whole(string name, string value, int least, int most)
        {
            if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            {
                return number;
            }

            Faults.Add($"--{name} is '{value}'; it must be a whole number from {least} to {most}.");
            return least;
        }

        public double Number(string name, string value, double least, double most)
        {
            if (double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            {
                return number;
            }

            Faults.Add(string.Create(CultureInfo.InvariantCulture, $"--{name} is '{value}'; it must be a number from {least} to {most}."));
            return least;
        }

        public TimeSpan Time(string name, string value, TimeSpan least, TimeSpan? most = null)
        {
            var longest = most ?? TimeSpan.FromDays(7);
            var digits = value.TrimEnd("smh".ToCharArray());
            double? unit = value[digits.Length..] switch { "ms" => 0.001, "s" or "" => 1, "m" => 60, "h" => 3_600, _ => null };
            if (unit is not null
                && double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number * unit <= longest.TotalSeconds
                && TimeSpan.FromSeconds(number * unit.Value) >= least)
            {
                return TimeSpan.FromSeconds(number * unit.Value);
            }

            Faults.Add(string.Create(CultureInfo.InvariantCulture, $"--{name} is '{value}'; it must be a time such as 500ms, 30s, 5m or 1h, from {least.TotalMilliseconds} ms to {(most is null ? "7 days" : $"{longest.TotalMilliseconds} ms")}."));
            return least;
        }

        public ArrivalClock Arrival(string name, string value)
        {
            switch (value)
            {
                case "kernel":
                    return ArrivalClock.Kernel;
                case "program":
                    return ArrivalClock.Program;
                default:
                    Faults.Add($"--{name} is '{value}'; it must be kernel or program.");
                    return ArrivalClock.Kernel;
            }
        }

        public PlainMembers Plain(string name, string value)
        {
            switch (value)
            {
                case "none":
                    return PlainMembers.None;
                case "subscribers":
                    return PlainMembers.Subscribers;
                case "all":
                    return PlainMembers.All;
                default:
                    Faults.Add($"--{name} is '{value}'; it must be subscribers, all or none.");
                    return PlainMembers.None;
            }
        }

        public SrtpProfile Suite(string name, string value)
        {
            switch (value)
            {
                case "any":
                    return SrtpProfile.None;
                case "gcm":
                    return SrtpProfile.AeadAes128Gcm;
                case "gcm256":
                    return SrtpProfile.AeadAes256Gcm;
                case "cm":
                    return SrtpProfile.Aes128CmSha1_80;
                default:
                    Faults.Add($"--{name} is '{value}'; it must be gcm, gcm256, cm, any or none.");
                    return SrtpProfile.None;
            }
        }
    }
}
