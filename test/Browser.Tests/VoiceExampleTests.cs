using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The examples that the voice service's document prints, run as they are printed: only ids, tokens and the session description are filled in.</summary>
public sealed class VoiceExampleTests
{
    private const string Offer = """
        v=0
        o=- 4611731400430051336 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        c=IN IP4 0.0.0.0
        a=ice-ufrag:4ZcD
        a=ice-pwd:2/1muCWoOi3uLifh0NuRHlYT
        a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24
        a=setup:actpass
        a=mid:0
        a=sendrecv
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=ssrc:1001 cname:alice

        """;

    private const string Candidate = """{"candidate":"candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host","sdpMid":"0","sdpMLineIndex":0}""";

    private static readonly HttpClient Http = new();

    [Fact]
    public async Task Http_EveryPrintedRequest_IsAnsweredAsTheDocumentSays()
    {
        // Where the printed variables name servers, there are none here; the names are what clients are told.
        await using var server = await StandaloneServer.StartAsync("voice-examples", settings: [.. Variables("MEDIA_SERVER_URL", "TURN_")]);
        var alice = await ApiUser.SignInAsync(server, "voice-alice");
        var (_, channel) = await alice.SendAsync(HttpMethod.Post, "/api/channels", """{"name":"general"}""");
        Dictionary<string, string> filled = new() { ["<token>"] = alice.Token, ["\"channel_id\": \"uuid\""] = $"\"channel_id\": {channel.GetProperty("id").GetRawText()}" };

        var (status, joined) = await SendAsync(server, "### Join Voice Channel", filled);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Empty(PrintedDocument.VoiceService.NamesAfter("Response:").Except(PrintedDocument.Names(joined, "")));
        var turn = Assert.Single(joined.GetProperty("ice_servers").EnumerateArray(), s => s.TryGetProperty("username", out _));
        Assert.Equal(("discord", "discord_turn_password"), (turn.GetProperty("username").GetString(), turn.GetProperty("credential").GetString()));
        Assert.Equal("turn:localhost:3478", Assert.Single(turn.GetProperty("urls").EnumerateArray()).GetString());
        filled["\"session_id\": \"uuid\""] = $"\"session_id\": {joined.GetProperty("session_id").GetRawText()}";

        var (offered, answer) = await SendAsync(server, "### WebRTC Signaling", Signal("offer", JsonSerializer.Serialize(Offer.ReplaceLineEndings("\r\n"))));
        Assert.True(offered == HttpStatusCode.OK, $"The offer was answered {offered}: {answer}");
        Assert.Equal("answer", answer.GetProperty("type").GetString());
        Assert.StartsWith("v=0", answer.GetProperty("sdp").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(server, "### WebRTC Signaling", Signal("ice", "null"))).Status);

        var (updated, state) = await SendAsync(server, "### Update Voice State", filled);
        Assert.Equal((HttpStatusCode.OK, true, false), (updated, state.GetProperty("mute").GetBoolean(), state.GetProperty("deaf").GetBoolean()));

        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(server, "### Leave Voice Channel", filled)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(server, "### Leave Voice Channel", filled)).Status);

        Dictionary<string, string> Signal(string type, string sdp) => new(filled)
        {
            ["offer|answer|ice"] = type,
            ["\"v=0...\""] = sdp,
            ["{ /* ICE candidate */ }"] = type == "ice" ? Candidate : "null",
        };
    }

    /// <summary>The printed environment variables that begin so, as settings.</summary>
    private static IEnumerable<string> Variables(params string[] beginnings) =>
        PrintedDocument.VoiceService.CodeAfter("## Environment Variables")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => beginnings.Any(b => line.StartsWith(b, StringComparison.Ordinal)))
            .Select(line => $"--{line}");

    /// <summary>Sends what is printed: a request line, headers and a body.</summary>
    private static async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(StandaloneServer server, string heading, Dictionary<string, string> filled)
    {
        var printed = PrintedDocument.VoiceService.CodeAfter(heading);
        foreach (var (from, to) in filled)
        {
            printed = printed.Replace(from, to, StringComparison.Ordinal);
        }

        var match = Regex.Match(printed, @"^(\w+) (\S+)\n((?:[\w-]+: .*\n)*)\n(.*)$", RegexOptions.Singleline);
        Assert.True(match.Success, printed);
        using HttpRequestMessage request = new(new HttpMethod(match.Groups[1].Value), server.Url + match.Groups[2].Value)
        {
            Content = new StringContent(match.Groups[4].Value),
        };
        foreach (var header in match.Groups[3].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = (header[..header.IndexOf(':', StringComparison.Ordinal)], header[(header.IndexOf(':', StringComparison.Ordinal) + 2)..]);
            var headers = name.StartsWith("Content-", StringComparison.Ordinal) ? request.Content.Headers : (System.Net.Http.Headers.HttpHeaders)request.Headers;
            headers.Remove(name);
            headers.Add(name, value);
        }

        using var response = await Http.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, body.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(body));
    }
}
