using VoiceCluster.Media.Srtp;

namespace VoiceCluster.LoadTest.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void Parse_Nothing_GivesTheDefaults()
    {
        var options = Parse();

        Assert.Equal(new BenchOptions(), options);
        Assert.Equal(10, options.Consumers);
    }

    [Fact]
    public void Parse_EveryOption_IsRead()
    {
        var options = Parse(
            "--url", "https://voice.example", "--token=abc", "--metrics", "http://node:8089/metrics", "--room-prefix", "load", "--rooms", "2",
            "--publishers", "3", "--subscribers=4", "--conference", "--video", "--churn", "60", "--joins", "5", "--plain", "all", "--admin", "http://node:8089", "--admin-token", "secret", "--payload-spread", "40", "--rate", "100", "--payload", "200",
            "--frame-rate", "25", "--frame-packets", "9", "--video-payload", "1000", "--srtp", "cm", "--duration", "5m", "--warm-up", "500ms",
            "--loops", "2", "--sweep", "2ms", "--arrival", "program", "--gro", "--json", "-", "--max-loss", "0.1");

        Assert.Equal(
            new BenchOptions
            {
                Url = new Uri("https://voice.example"),
                Token = "abc",
                Metrics = new Uri("http://node:8089/metrics"),
                RoomPrefix = "load",
                Rooms = 2,
                Publishers = 3,
                Subscribers = 4,
                Conference = true,
                Video = true,
                Churn = 60,
                Joins = 5,
                Plain = PlainMembers.All,
                Admin = new Uri("http://node:8089"),
                AdminToken = "secret",
                PayloadSpread = 40,
                Rate = 100,
                Payload = 200,
                FrameRate = 25,
                FramePackets = 9,
                VideoPayload = 1000,
                Srtp = SrtpProfile.Aes128CmSha1_80,
                Duration = TimeSpan.FromMinutes(5),
                WarmUp = TimeSpan.FromMilliseconds(500),
                Loops = 2,
                Sweep = TimeSpan.FromMilliseconds(2),
                Arrival = ArrivalClock.Program,
                Gro = true,
                Json = "-",
                MaxLoss = 0.1,
            },
            options);

        // Two rooms, two streams a publisher: 3 × 4 by subscribers, 3 × 2 by the publishers themselves.
        Assert.Equal(2 * 2 * (12 + 6), options.Consumers);
    }

    [Fact]
    public void Parse_Slots_EachReceivesTheLoudestOthers()
    {
        var options = Parse("--slots", "3", "--publishers", "1000", "--subscribers", "5", "--conference", "--lively");

        Assert.Equal((3, true), (options.Slots, options.Lively));
        Assert.Equal(3 * (1000 + 5), options.Consumers);

        // Two publishers have one other each, and a subscriber has both.
        Assert.Equal(2 + 2, (options with { Publishers = 2, Subscribers = 1 }).Consumers);
    }

    [Theory]
    [InlineData("--slots 1")]
    [InlineData("--slots 17")]
    [InlineData("--slots 3 --video")]
    public void Parse_SlotsThatCannotBe_AreRefused(string line)
    {
        Assert.Null(CommandLine.Parse(line.Split(' '), out var faults));
        Assert.StartsWith("--slots", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_SeveralFaults_TellsAllOfThem()
    {
        var options = CommandLine.Parse(["--rooms", "0", "--url", "nowhere", "--speed", "9", "--duration", "1y", "stray", "--srtp", "rot13", "--rate"], out var faults);

        Assert.Null(options);
        Assert.Equal(7, faults.Count);
        Assert.Contains("--rooms is '0'; it must be a whole number from 1 to 10000.", faults);
        Assert.Contains("--rate needs a value.", faults);
        Assert.Contains("'stray' is no option; options begin with --.", faults);
    }

    [Theory]
    [InlineData("--no-audio")]
    [InlineData("--duration", "0s")]
    [InlineData("--duration", "9999999999h")]
    [InlineData("--payload", "3")]
    [InlineData("--room-prefix", "a b")]
    [InlineData("--max-loss", "101")]
    [InlineData("--sweep", "-5ms")]
    [InlineData("--sweep", "1001ms")]
    [InlineData("--arrival", "clock")]
    public void Parse_WhatCannotBe_IsAFault(params string[] args)
    {
        Assert.Null(CommandLine.Parse(args, out var faults));
        Assert.Single(faults);
    }

    [Fact]
    public void Help_EveryOption_IsNamed()
    {
        foreach (var option in (string[])
            ["url", "token", "metrics", "room-prefix", "rooms", "publishers", "subscribers", "conference", "churn", "joins", "rate", "payload", "no-audio",
             "video", "frame-rate", "frame-packets", "video-payload", "srtp", "duration", "warm-up", "loops", "sweep", "arrival", "gro", "json", "max-loss"])
        {
            Assert.Contains($"  --{option} ", CommandLine.Help, StringComparison.Ordinal);
            _ = CommandLine.Parse([$"--{option}", "1"], out var faults);
            Assert.DoesNotContain(faults, f => f.Contains("is unknown", StringComparison.Ordinal));
        }
    }

    private static BenchOptions Parse(params string[] args)
    {
        var options = CommandLine.Parse(args, out var faults);
        Assert.Empty(faults);
        return options!;
    }
}
