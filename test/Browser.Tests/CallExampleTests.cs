using System.Text.Json;
using System.Text.RegularExpressions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The examples that the calls' document prints, run as they are printed: only ids and tokens are filled in.</summary>
[Collection(ClusterGroup.Name)]
public sealed class CallExampleTests(ClusterFixture cluster)
{
    [Fact]
    public async Task Curl_EveryPrintedCommand_DoesWhatItsHeadingSays()
    {
        var alice = await ApiUser.SignInAsync(cluster.Server, "curl-alice");
        var bob = await ApiUser.SignInAsync(cluster.Server, "curl-bob");
        Dictionary<string, string> filled = new() { ["chat-uuid"] = await alice.ChatAsync(bob), ["recipient-uuid"] = bob.Id };
        (string Heading, ApiUser User, int Status, string? State)[] steps =
        [
            ("1. **Initiate call:**", alice, 201, "ringing"),
            ("2. **Accept call:**", bob, 200, "accepted"),
            ("3. **Get ICE servers:**", alice, 200, null),
            ("4. **End call:**", alice, 200, "ended"),
        ];
        var call = "";
        foreach (var (heading, user, expected, state) in steps)
        {
            var (status, body) = await CurlAsync(PrintedDocument.Calls.CodeAfter(heading), filled, user.Token, call);

            Assert.True(expected == status, $"{heading} answered {status}: {body.GetRawText()}");
            if (state is null)
            {
                Assert.NotEmpty(body.GetProperty("iceServers").EnumerateArray());
                continue;
            }

            Assert.Equal(state, body.GetProperty("status").GetString());
            call = body.GetProperty("id").GetString()!;
        }
    }

    [Theory]
    [InlineData("voice", true, "accepted")]
    [InlineData("video", true, "accepted")]
    [InlineData("voice", false, "rejected")]
    public async Task Rest_EveryPrintedRequest_IsAnsweredAsTheDocumentSays(string type, bool accept, string answered)
    {
        var alice = await ApiUser.SignInAsync(cluster.Server, $"rest-alice-{type}-{accept}");
        var bob = await ApiUser.SignInAsync(cluster.Server, $"rest-bob-{type}-{accept}");
        var chat = await alice.ChatAsync(bob);

        var initiate = PrintedDocument.Calls.CodeAfter("### 1. Call Initiation (REST API)")
            .Replace("\"chat_id\": \"uuid\"", $"\"chat_id\": \"{chat}\"", StringComparison.Ordinal)
            .Replace("\"recipient_id\": \"uuid\"", $"\"recipient_id\": \"{bob.Id}\"", StringComparison.Ordinal)
            .Replace("\"voice\" | \"video\"", $"\"{type}\"", StringComparison.Ordinal);
        var (created, call) = await SendAsync(alice, initiate);
        Assert.Equal((201, "ringing", type), (created, call.GetProperty("status").GetString(), call.GetProperty("call_type").GetString()));
        var id = call.GetProperty("id").GetString()!;

        var respond = PrintedDocument.Calls.CodeAfter("### 2. Call Response (REST API)")
            .Replace("true | false", accept ? "true" : "false", StringComparison.Ordinal);
        var (status, response) = await SendAsync(bob, respond, id);
        Assert.Equal((200, answered), (status, response.GetProperty("status").GetString()));

        var (ended, over) = await SendAsync(alice, PrintedDocument.Calls.CodeAfter("**REST API:**"), id);
        Assert.Equal((200, accept ? "ended" : "rejected"), (ended, over.GetProperty("status").GetString()));

        var (found, servers) = await SendAsync(alice, PrintedDocument.Calls.CodeAfter("Clients should fetch ICE server"));
        Assert.Equal(200, found);
        Assert.All(servers.GetProperty("iceServers").EnumerateArray(), s => Assert.NotEmpty(s.GetProperty("urls").EnumerateArray()));
    }

    [Fact]
    public async Task WebSocket_EveryPrintedMessage_ReachesTheOtherSideAsItWasSent()
    {
        var alice = await ApiUser.SignInAsync(cluster.Server, "ws-alice");
        var bob = await ApiUser.SignInAsync(cluster.Server, "ws-bob");
        using var a = await CallSignals.ConnectAsync(cluster.Server, alice);
        using var b = await CallSignals.ConnectAsync(cluster.Server, bob);
        var (_, call) = await alice.SendAsync(
            HttpMethod.Post,
            "/api/v1/calls",
            JsonSerializer.Serialize(new { chat_id = await alice.ChatAsync(bob), recipient_id = bob.Id, call_type = "voice" }));
        var id = call.GetProperty("id").GetString()!;
        Assert.Equal("call:initiate", (await b.NextAsync()).GetProperty("type").GetString());
        await bob.SendAsync(HttpMethod.Patch, $"/api/v1/calls/{id}", """{"accept":true}""");
        Assert.Equal("call:accepted", (await a.NextAsync()).GetProperty("type").GetString());

        foreach (var (heading, field, from, to) in new[]
        {
            ("#### Offer (Caller → Callee)", "offer", a, b),
            ("#### Answer (Callee → Caller)", "answer", b, a),
            ("#### ICE Candidates (Bidirectional)", "candidate", a, b),
            ("#### ICE Candidates (Bidirectional)", "candidate", b, a),
        })
        {
            var printed = PrintedDocument.Calls.CodeAfter(heading).Replace("\"uuid\"", $"\"{id}\"", StringComparison.Ordinal);
            await from.SendAsync(printed);

            var sent = JsonSerializer.Deserialize<JsonElement>(printed);
            var received = await to.NextAsync();
            Assert.Equal(sent.GetProperty("type").GetString(), received.GetProperty("type").GetString());
            Assert.True(JsonElement.DeepEquals(sent.GetProperty("data").GetProperty(field), received.GetProperty("data").GetProperty(field)));
        }

        var hangup = PrintedDocument.Calls.CodeAfter("**WebSocket:**").Replace("\"uuid\"", $"\"{id}\"", StringComparison.Ordinal);
        await a.SendAsync(hangup);
        Assert.Equal("call:ended", (await b.NextAsync()).GetProperty("type").GetString());
        Assert.Equal("call:ended", (await a.NextAsync()).GetProperty("type").GetString());

        // The printed error is what an unknown call gets.
        var unknown = hangup.Replace(id, Guid.NewGuid().ToString(), StringComparison.Ordinal);
        await a.SendAsync(unknown);
        var expected = JsonSerializer.Deserialize<JsonElement>(PrintedDocument.Calls.CodeAfter("### WebSocket Errors"));
        var error = await a.NextAsync();
        foreach (var field in expected.EnumerateObject())
        {
            Assert.Equal(field.Value.GetString(), error.GetProperty(field.Name).GetString());
        }
    }

    /// <summary>Runs a printed command in a shell. It says localhost:8080; curl is told where that is in this test.</summary>
    private async Task<(int Status, JsonElement Body)> CurlAsync(string command, Dictionary<string, string> filled, string token, string call)
    {
        foreach (var (printed, value) in filled)
        {
            command = command.Replace(printed, value, StringComparison.Ordinal);
        }

        var home = Directory.CreateTempSubdirectory("voicecluster-curl-").FullName;
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(home, ".curlrc"),
                $"silent\nconnect-to = \"localhost:8080:127.0.0.1:{cluster.Server.HttpPort}\"\nwrite-out = \"\\n%{{http_code}}\"\n");
            var output = await Command.RunAsync(
                home, "env", $"CURL_HOME={home}", $"TOKEN={token}", $"CALL_ID={call}", "bash", "-c", command);
            var end = output.LastIndexOf('\n');
            return (int.Parse(output[(end + 1)..], System.Globalization.CultureInfo.InvariantCulture), JsonSerializer.Deserialize<JsonElement>(output[..end]));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    /// <summary>Sends what is printed as a request line and a body.</summary>
    private static Task<(int Status, JsonElement Body)> SendAsync(ApiUser user, string printed, string call = "")
    {
        var match = Regex.Match(printed, @"^\s*(\w+) (\S+)\s*(\{.*\})?\s*$", RegexOptions.Singleline);
        Assert.True(match.Success, printed);
        return user.SendAsync(
            new HttpMethod(match.Groups[1].Value),
            match.Groups[2].Value.Replace(":call_id", call, StringComparison.Ordinal),
            match.Groups[3].Success ? match.Groups[3].Value : null);
    }
}
