using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Native clients over UDP with browsers of two doors in one channel, and with those who forge their packets.</summary>
[Collection(ClusterGroup.Name)]
public sealed partial class RelayTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int Junk = 200_000;

    /// <summary>Datagrams that the smallest receive buffer holds.</summary>
    private const int Burst = 250;

    [Theory]
    [InlineData("forward")]
    [InlineData("mix")]
    public async Task Channel_ANativeClientAndBrowsersOfTwoDoors_EachHearsTheOthersAndNotItself(string mode)
    {
        await using var page = await cluster.OpenHarnessAsync();
        var channel = await page.CreateChannelAsync();
        var ada = await page.JoinAsync(channel, 880);
        var bob = await page.JoinVoiceAsync(channel, 1320);
        await using var native = await NativeClient.JoinAsync(cluster.Server, channel, $"native-{mode}", 440, "--mode", mode);

        await ada.HearsExactlyAsync(440, 1320);
        await bob.HearsAsync(440, 880);
        Assert.Empty(await bob.EverHeardAsync(1320));
        await native.HasHeardAsync(2);
        var (summary, heard) = await native.EndAsync();
        output.WriteLine($"sent {summary.Sent}, received {summary.Received}, lost {summary.Lost}");
        Assert.True(NativeClient.Loudness(heard, 880) > 0.05, $"880 Hz: {NativeClient.Loudness(heard, 880)}");
        Assert.True(NativeClient.Loudness(heard, 1320) > 0.05, $"1320 Hz: {NativeClient.Loudness(heard, 1320)}");
        Assert.True(NativeClient.Amplitude(heard, 440) < 0.005, $"440 Hz: {NativeClient.Amplitude(heard, 440)}");
        Assert.Equal(mode == "mix" ? 1 : 2, summary.Heard.Length);
    }

    /// <summary>
    /// A stranger who reads along (a raw socket) repeats every packet of a client from his own address, sends some in its name, and floods the
    /// port. He gets nothing, and the voice goes on.
    /// </summary>
    [Fact]
    public async Task Stranger_WhoRepeatsForgesAndFloods_GetsNothingAndDisturbsNobody()
    {
        using HttpClient http = new() { BaseAddress = new Uri(cluster.Server.Url) };
        var channel = await CreateAsync(http);
        var port = await RelayPortAsync(http);
        using var capture = Capture();
        await using var alice = await NativeClient.JoinAsync(cluster.Server, channel, $"alice-{Guid.NewGuid():N}", 440, "--plain");
        await using var bob = await NativeClient.JoinAsync(cluster.Server, channel, $"bob-{Guid.NewGuid():N}");
        await bob.HasHeardAsync(2);

        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        stranger.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var server = new IPEndPoint(IPAddress.Loopback, port);
        var recorded = Record(capture, port, 100);
        foreach (var packet in recorded)
        {
            stranger.SendTo(packet, server);
            if (packet.Length > 51)
            {
                packet[^1] ^= 1;
                stranger.SendTo(packet, server);
            }
        }

        Random random = new(3);
        var junk = new byte[120];
        var before = await DropsAsync(http);
        for (var i = 0; i < Junk; i++)
        {
            random.NextBytes(junk);
            if (recorded.Count > 0 && i % 2 == 0)
            {
                recorded[i % recorded.Count].AsSpan(0, 32).CopyTo(junk);
            }

            stranger.SendTo(junk.AsSpan(0, 20 + (i % 100)), server);
            if (i % Burst == Burst - 1)
            {
                // As fast as the server looks at it, so that none of it is lost before.
                await WaitForDropsAsync(http, before + i + 1);
            }
        }

        // The voice after the flood counts as well.
        await bob.HasHeardAsync(2);
        var toStranger = CountTo(capture, port, ((IPEndPoint)stranger.LocalEndPoint!).Port, out var seen);
        var (summary, heard) = await bob.EndAsync();
        output.WriteLine($"bob received {summary.Received} and lost {summary.Lost} under {Junk} junk datagrams; {seen} packets of the relay were captured after the flood");
        Assert.Equal(0, stranger.Available);
        Assert.Equal(0, toStranger);
        Assert.True(summary.Lost * 1_000 <= summary.Received, $"lost {summary.Lost} of {summary.Received}");
        Assert.True(NativeClient.Amplitude(heard, 440) > 0.1);
        Assert.Single(summary.Heard);
        if (recorded.Count == 0)
        {
            output.WriteLine("SKIPPED: a raw socket needs more rights, so nothing was recorded: the repetition was not tried, and only the stranger's own socket says that he got nothing.");
        }

        var metrics = await http.GetStringAsync("metrics");
        Assert.Matches("voicecluster_media_packets_dropped_total\\{[^}]*reason=\"relay_malformed\"[^}]*\\} [1-9]", metrics);
        Assert.True(recorded.Count == 0 || Regex.IsMatch(metrics, "reason=\"relay_address\"[^}]*\\} [1-9]"));
    }

    private static async Task<string> CreateAsync(HttpClient http)
    {
        using var answer = await http.PostAsJsonAsync("api/channels", new { name = "native", owner_id = $"owner-{Guid.NewGuid():N}" });
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private static async Task<int> RelayPortAsync(HttpClient http) =>
        (await http.GetFromJsonAsync<JsonElement>("api/audio/config")).GetProperty("udp_port").GetInt32();

    /// <summary>Waits until the relay has refused so many datagrams.</summary>
    private static async Task WaitForDropsAsync(HttpClient http, long count)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(20));
        while (await DropsAsync(http, deadline.Token) < count)
        {
        }
    }

    private static async Task<long> DropsAsync(HttpClient http, CancellationToken cancellationToken = default) =>
        Drops().Matches(await http.GetStringAsync("metrics", cancellationToken)).Sum(match => long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    [GeneratedRegex("""voicecluster_media_packets_dropped_total\{[^}]*reason="relay_[^}]*\} (\d+)""")]
    private static partial Regex Drops();

    /// <summary>All UDP of this machine, with IP headers; null without the right to it.</summary>
    private static Socket? Capture()
    {
        try
        {
            return new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Udp) { ReceiveBufferSize = 32 * 1024 * 1024 };
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AccessDenied or SocketError.OperationNotSupported)
        {
            return null;
        }
    }

    /// <summary>The next packets that clients send to the relay.</summary>
    private static List<byte[]> Record(Socket? capture, int port, int count)
    {
        List<byte[]> packets = [];
        var buffer = new byte[65_536];
        while (capture is not null && packets.Count < count && capture.Poll(5_000_000, SelectMode.SelectRead))
        {
            var datagram = buffer.AsSpan(0, capture.Receive(buffer));
            var header = (datagram[0] & 0x0F) * 4;
            if (BinaryPrimitives.ReadUInt16BigEndian(datagram[(header + 2)..]) == port)
            {
                packets.Add(datagram[(header + 8)..].ToArray());
            }
        }

        return packets;
    }

    /// <summary>What of the captured packets the relay has sent to a port.</summary>
    private static int CountTo(Socket? capture, int port, int strangerPort, out int seen)
    {
        (seen, var count) = (0, 0);
        var buffer = new byte[65_536];
        var until = Environment.TickCount64 + 2_000;
        while (capture is not null && Environment.TickCount64 < until && capture.Poll(500_000, SelectMode.SelectRead))
        {
            var datagram = buffer.AsSpan(0, capture.Receive(buffer));
            var header = (datagram[0] & 0x0F) * 4;
            if (BinaryPrimitives.ReadUInt16BigEndian(datagram[header..]) == port)
            {
                seen++;
                count += BinaryPrimitives.ReadUInt16BigEndian(datagram[(header + 2)..]) == strangerPort ? 1 : 0;
            }
        }

        return count;
    }
}
