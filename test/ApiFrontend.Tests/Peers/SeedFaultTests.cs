using System.Text.Json;
using System.Text.Json.Nodes;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>The document's requests with one thing wrong in each: a field, its type, an id, or the role of who asks.</summary>
public sealed class SeedFaultTests(PeersApp app) : IClassFixture<PeersApp>
{
    /// <summary>Who asks about a call of a host, a moderator and two participants.</summary>
    private static readonly string[] Askers = ["host", "mod", "ann", "stranger", "kicked"];

    /// <summary>What each of <see cref="Askers"/> gets; the one whom it concerns is the participant bob.</summary>
    private static readonly (string Method, string Path, string More, int[] Statuses)[] Rights =
    [
        ("POST", "/call/join", "", [200, 200, 200, 200, 403]),
        ("POST", "/call/mute", ""","targetId":"bob","muted":true""", [200, 200, 403, 403, 403]),
        ("POST", "/call/mute", ""","targetId":"mod","muted":true""", [200, 200, 403, 403, 403]),
        ("POST", "/call/mute", ""","targetId":"host","muted":false""", [200, 403, 403, 403, 403]),
        ("POST", "/call/quality", ""","targetId":"bob","quality":50""", [200, 200, 403, 403, 403]),
        ("POST", "/call/quality", ""","quality":50""", [200, 200, 200, 403, 403]),
        ("POST", "/call/role", ""","targetId":"bob","role":"participant" """, [200, 403, 403, 403, 403]),
        ("POST", "/call/recording/start", "", [409, 409, 403, 403, 403]),
        ("POST", "/call/recording/stop", "", [409, 409, 403, 403, 403]),
        ("POST", "/call/kick", ""","targetId":"bob" """, [200, 200, 403, 403, 403]),
        ("POST", "/call/leave", "", [200, 200, 200, 404, 404]),
        ("GET", "/call/session/{0}?userID={1}", "", [200, 200, 200, 403, 403]),
        ("GET", "/call/recordings/{0}?userID={1}", "", [200, 200, 200, 403, 403]),
    ];

    public static TheoryData<string, string> Routes
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (var endpoint in SeedDocument.Endpoints)
            {
                rows.Add(endpoint.Method, endpoint.Path);
            }

            return rows;
        }
    }

    public static TheoryData<int> RightsOfRoles => [.. Enumerable.Range(0, Rights.Length)];

    /// <summary>
    /// No object at all, and each field missing, null, of each wrong type, empty and far too long. Everything else in the request is
    /// right, its session and message exist, so that the answer is about the field, and names it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Endpoint_WithEachFieldWrong_NamesTheFieldInTheEnvelope(string method, string path)
    {
        var endpoint = SeedDocument.Endpoints.Single(e => e.Method == method && e.Path == path);
        var body = await AboutWhatExistsAsync(endpoint.Body);
        foreach (var (field, wrong) in WrongBodies(body, endpoint.Optional))
        {
            var (status, answer, _) = await app.AskAsync(method, path, wrong);

            var what = $"{method} {path} {wrong[..Math.Min(200, wrong.Length)]} answered {status}: {answer}";
            Assert.True(status == 400, what);
            Assert.Equal(status, answer.GetProperty("status").GetInt32());
            Assert.Equal(JsonValueKind.Null, answer.GetProperty("data").ValueKind);
            Assert.True(answer.GetProperty("message").GetString()!.Contains(field, StringComparison.OrdinalIgnoreCase), what);
        }
    }

    /// <summary>Ids that are none, that are of another kind of thing, and that name nothing.</summary>
    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Endpoint_WithAnIdOfNothing_IsNotFound(string method, string path)
    {
        var endpoint = SeedDocument.Endpoints.Single(e => e.Method == method && e.Path == path);
        var body = await AboutWhatExistsAsync(endpoint.Body);
        foreach (var field in Fields(JsonNode.Parse(body)!.AsObject(), "").Where(f => f is "sessionId" or "sessionID" or "messageId"))
        {
            foreach (var id in (string[])["abc", "sess_abc123", $"rec_{Guid.NewGuid():N}", $"sess_{Guid.NewGuid():N}", $"msg_{Guid.NewGuid():N}", $"call_{Guid.NewGuid():N}", $"{Guid.NewGuid()}"])
            {
                await app.DoAsync(404, method, path, With(body, field, JsonValue.Create(id), removes: false));
            }
        }
    }

    [Theory]
    [MemberData(nameof(RightsOfRoles))]
    public async Task Endpoint_OfACall_AnswersEachRoleByItsRights(int row)
    {
        var (method, path, more, statuses) = Rights[row];
        foreach (var (asker, status) in Askers.Zip(statuses))
        {
            var call = (await app.PostAsync("/call/session", new { creatorId = "host" })).GetProperty("id").GetString()!;
            foreach (var other in (string[])["mod", "ann", "bob", "kicked"])
            {
                await app.PostAsync("/call/join", new { sessionId = call, participantId = other });
            }

            await app.PostAsync("/call/role", new { sessionId = call, participantId = "host", targetId = "mod", role = "moderator" });
            await app.PostAsync("/call/kick", new { sessionId = call, participantId = "host", targetId = "kicked" });

            await app.DoAsync(
                status,
                method,
                path.Replace("{0}", call, StringComparison.Ordinal).Replace("{1}", asker, StringComparison.Ordinal),
                method == "GET" ? null : $$"""{"sessionId":"{{call}}","participantId":"{{asker}}"{{more}}}""");
        }
    }

    /// <summary>The document's body about a session and a message that exist.</summary>
    private async Task<string> AboutWhatExistsAsync(string body)
    {
        if (body.Contains("call_abc123", StringComparison.Ordinal))
        {
            var call = (await app.DoAsync(200, "POST", "/call/session", SeedDocument.Call)).GetProperty("id").GetString()!;
            await app.DoAsync(200, "POST", "/call/join", SeedDocument.Join.Replace("call_abc123", call, StringComparison.Ordinal));
            return body.Replace("call_abc123", call, StringComparison.Ordinal);
        }

        if (!body.Contains("sess_abc123", StringComparison.Ordinal))
        {
            return body;
        }

        var session = (await app.DoAsync(200, "POST", "/chat/session", SeedDocument.Chat)).GetProperty("id").GetString()!;
        var message = await app.DoAsync(200, "POST", "/chat/message", SeedDocument.Message.Replace("sess_abc123", session, StringComparison.Ordinal));
        return body
            .Replace("sess_abc123", session, StringComparison.Ordinal)
            .Replace("msg_xyz789", message.GetProperty("id").GetString(), StringComparison.Ordinal);
    }

    /// <summary>Bodies, and the field that is wrong in each; none where it is the whole.</summary>
    private static IEnumerable<(string Field, string Body)> WrongBodies(string body, string[] optional)
    {
        foreach (var text in (string[])["", "not json", "[]", "\"text\"", "7", "null", "{", """{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}}"""])
        {
            yield return ("", text);
        }

        foreach (var path in Fields(JsonNode.Parse(body)!.AsObject(), ""))
        {
            var name = path.Split('.')[^1];
            if (!optional.Contains(path))
            {
                yield return (name, With(body, path, null, removes: true));
                yield return (name, With(body, path, null, removes: false));
            }

            foreach (var value in (JsonNode[])
                [
                    JsonValue.Create(true), JsonValue.Create(-1.5), JsonValue.Create(""), new JsonObject(), new JsonArray(new JsonObject()),
                    JsonValue.Create(new string('x', 300_000)),
                ])
            {
                if (!IsSound(name, value))
                {
                    yield return (name, With(body, path, value, removes: false));
                }
            }
        }
    }

    private static IEnumerable<string> Fields(JsonObject body, string prefix) => body.SelectMany(p => p.Value is JsonObject inner
        ? Fields(inner, $"{prefix}{p.Key}.").Prepend(prefix + p.Key)
        : [prefix + p.Key]);

    private static string With(string body, string path, JsonNode? value, bool removes)
    {
        var root = JsonNode.Parse(body)!.AsObject();
        var owner = root;
        var names = path.Split('.');
        foreach (var name in names[..^1])
        {
            owner = owner[name]!.AsObject();
        }

        if (removes)
        {
            owner.Remove(names[^1]);
        }
        else
        {
            owner[names[^1]] = value?.DeepClone();
        }

        return root.ToJsonString();
    }

    /// <summary>What is sound although it looks odd: a flag for a flag, an empty text for what need not have one.</summary>
    private static bool IsSound(string name, JsonNode value) => (name, value.GetValueKind()) switch
    {
        ("isGroup" or "muted", JsonValueKind.True) => true,
        ("receiverID" or "name" or "targetId" or "sdpMid" or "candidate", JsonValueKind.String) => value.GetValue<string>().Length == 0,
        _ => false,
    };
}
