using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Opus with redundancy (RFC 2198) between real browsers.</summary>
[Collection(ClusterGroup.Name)]
public sealed partial class RedundancyTests(ClusterFixture cluster, ITestOutputHelper output)
{
    /// <summary>Packets after which a stream's mean length tells whether copies are in it: they double it.</summary>
    private const int Measured = 150;

    [Fact]
    public async Task Sender_WithRedundancy_IsHeardByWhoTakesIt_AndByWhoDoesNot()
    {
        await using var server = await StandaloneServer.StartAsync("redundancy", settings: ["--Media:OfferRed=true"]);
        await using var page = await cluster.OpenHarnessAsync(server);
        var sender = await page.JoinAsync("red", 440, red: "send");
        var plain = await page.JoinAsync("red", 600);
        var refuses = await page.JoinAsync("red", 800, red: "refuse");
        await page.AllHearAsync([sender, plain, refuses], [sender, plain, refuses]);

        // A client that asks for nothing takes redundancy and sends none.
        var taken = await VoiceAsync(plain, sender);
        var unpacked = await VoiceAsync(refuses, sender);
        var ordinary = await VoiceAsync(sender, plain);
        Assert.Equal(["audio/opus", "audio/red"], taken.Codecs);
        Assert.Equal(["audio/opus"], unpacked.Codecs);
        Assert.Equal(["audio/opus"], ordinary.Codecs);
        output.WriteLine($"bytes a packet: {taken.Mean:F0} with copies, {unpacked.Mean:F0} without, {ordinary.Mean:F0} of a sender without");
        Assert.True(taken.Mean > unpacked.Mean * 1.5);
        await page.AllHearAsync([sender, plain, refuses], [sender, plain, refuses]);
    }

    [Fact]
    public async Task SenderOnALossyNetwork_GivesBackWhatItLost_ToWhoTakesNoRedundancy()
    {
        await using var server = await StandaloneServer.StartAsync("redundancy-loss", settings: ["--Media:OfferRed=true"]);
        var links = Enumerable.Range(server.FirstMediaPort, StandaloneServer.MediaPorts)
            .ToDictionary(port => port.ToString(CultureInfo.InvariantCulture), port => new ImpairedLink(port, loss: 0.1, jitterMilliseconds: 0));
        try
        {
            await using var page = await cluster.OpenHarnessAsync(server);
            var sender = await page.JoinAsync("lossy", 440, red: "send", mediaPorts: links.ToDictionary(l => l.Key, l => l.Value.Port));
            var listener = await page.JoinAsync("lossy", red: "refuse");
            await listener.HearsExactlyAsync(440);
            Assert.Equal(["audio/opus"], (await VoiceAsync(listener, sender)).Codecs);

            var recovered = await RecoveredAsync(server, 5);
            output.WriteLine($"{recovered} packets given back by their copies, {links.Values.Sum(l => l.Count.Lost)} datagrams lost");
            await listener.HearsExactlyAsync(440);
        }
        finally
        {
            foreach (var link in links.Values)
            {
                await link.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task VoiceClients_ThatAskForIt_HaveIt_AndTheOthersHearThem()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var sender = await page.JoinVoiceAsync(channel, 500, speaksOnly: true, red: true);
        var takes = await page.JoinVoiceAsync(channel, slots: 2, red: true);
        var plain = await page.JoinVoiceAsync(channel, slots: 2);
        var mix = await page.JoinVoiceAsync(channel);
        var other = await page.JoinAsync(channel, 900);

        Assert.Contains("a=rtpmap:63 red/48000/2", await page.CallAsync<string>("voiceAnswer", sender.Key), StringComparison.Ordinal);
        Assert.DoesNotContain("red/48000", await page.CallAsync<string>("voiceAnswer", plain.Key), StringComparison.Ordinal);
        await takes.HearsApartAsync(500, 900);
        await plain.HearsApartAsync(500, 900);
        await mix.HearsAsync(500, 900);
        await other.HearsExactlyAsync(500);

        var copied = await LongestAsync(takes);
        var unpacked = await LongestAsync(plain);
        output.WriteLine($"bytes a packet: {copied:F0} with copies, {unpacked:F0} without");
        Assert.True(copied > unpacked * 1.5);
    }

    // Waits for so many packets that copies gave back.
    private static async Task<long> RecoveredAsync(StandaloneServer server, long least)
    {
        using var http = new HttpClient();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            var metrics = await http.GetStringAsync($"{server.Url}/metrics", deadline.Token);
            if (Recovered().Match(metrics) is { Success: true } found && long.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) is var recovered && recovered >= least)
            {
                return recovered;
            }

            await Task.Delay(100, deadline.Token);
        }
    }

    private static async Task<Voice> VoiceAsync(Participant listener, Participant speaker)
    {
        await listener.Page.WaitAsync("voiceFlows", [listener.Key, speaker.PeerId, Measured], listener);
        var voice = await listener.Page.CallAsync<JsonElement>("voiceOf", listener.Key, speaker.PeerId);
        return new Voice(
            [.. voice.GetProperty("codecs").EnumerateArray().Select(c => c.GetString()!)],
            (double)voice.GetProperty("bytes").GetInt64() / voice.GetProperty("packets").GetInt64());
    }

    // The mean length of the stream whose packets are the longest: who speaks without redundancy is in another one.
    private static async Task<double> LongestAsync(VoiceClient client)
    {
        await client.Page.WaitForAsync("voiceFlowsTo", [client.Key, Measured], client.ReportAsync);
        var streams = await client.Page.CallAsync<JsonElement>("voiceStreams", client.Key);
        return streams.EnumerateArray().Max(s => (double)s.GetProperty("bytes").GetInt64() / s.GetProperty("packets").GetInt64());
    }

    [GeneratedRegex(@"^voicecluster_media_packets_recovered_total(?:\{[^}]*\})? (\d+)", RegexOptions.Multiline)]
    private static partial Regex Recovered();

    private sealed record Voice(string[] Codecs, double Mean);
}
