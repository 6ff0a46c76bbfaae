using System.Globalization;

namespace VoiceCluster.Samples.RelayClient;

/// <summary>The command line.</summary>
internal sealed record ClientOptions
{
    public const string Usage = """
        RelayClient --channel UUID [options]
          --url ws://127.0.0.1:3001   the server
          --user NAME                 who you are, in Open mode (default: this machine's user)
          --token JWT                 who you are, elsewhere
          --mode forward|mix          each voice, or all in one (default forward)
          --tone HZ                   send a tone
          --send FILE.opus            send an Ogg Opus file, again and again
          --write FILE.wav            write what is heard
          --play                      play what is heard, by aplay
          --plain                     do not encrypt
          --seconds N                 leave after that long (default: at Ctrl-C)
        """;

    public Uri Url { get; private init; } = new("ws://127.0.0.1:3001");

    public Guid Channel { get; private init; }

    public string User { get; private init; } = Environment.UserName;

    public string? Token { get; private init; }

    public string Mode { get; private init; } = "forward";

    public double? ToneHz { get; private init; }

    public string? SendFile { get; private init; }

    public string? WriteFile { get; private init; }

    public bool Play { get; private init; }

    public bool Plain { get; private init; }

    public TimeSpan? Duration { get; private init; }

    /// <summary>The options, or null when the command line is none.</summary>
    public static ClientOptions? Parse(string[] args)
    {
        ClientOptions options = new();
        try
        {
            for (var i = 0; i < args.Length; i++)
            {
                options = args[i] switch
                {
                    "--url" => options with { Url = new Uri(args[++i]) },
                    "--channel" => options with { Channel = Guid.Parse(args[++i]) },
                    "--user" => options with { User = args[++i] },
                    "--token" => options with { Token = args[++i] },
                    "--mode" => options with { Mode = args[++i] },
                    "--tone" => options with { ToneHz = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                    "--send" => options with { SendFile = args[++i] },
                    "--write" => options with { WriteFile = args[++i] },
                    "--play" => options with { Play = true },
                    "--plain" => options with { Plain = true },
                    "--seconds" => options with { Duration = TimeSpan.FromSeconds(double.Parse(args[++i], CultureInfo.InvariantCulture)) },
                    _ => throw new FormatException(args[i]),
                };
            }
        }
        catch (Exception e) when (e is FormatException or IndexOutOfRangeException)
        {
            return null;
        }

        return options.Channel == Guid.Empty ? null : options;
    }
}
