using System.Net;
using System.Text;
using System.Text.Json;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

public sealed class DevTokenTests
{
    private const string Path = "/api/v1/auth/token";

    [Fact]
    public async Task Username_AsPrinted_GetsATokenThatIsLetIn()
    {
        await using var host = await StartAsync();

        using var answer = await PostAsync(host, """{"username":"alice"}""");
        var body = await BodyOf(answer);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["expires_at", "token", "user_id"], body.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.True(DateTimeOffset.Parse(body.GetProperty("expires_at").GetString()!) > DateTimeOffset.UtcNow);
        using var use = await host.GetAsync("/identity", body.GetProperty("token").GetString());
        var identity = (await BodyOf(use)).GetProperty("identity");
        Assert.Equal(UserIdentity.FromText("alice"), identity.GetProperty("userId").GetGuid());
        Assert.Equal("alice", identity.GetProperty("name").GetString());
        Assert.Empty(identity.GetProperty("roles").EnumerateArray());
    }

    [Fact]
    public async Task Username_AskedTwice_HasTheSameUserId()
    {
        await using var host = await StartAsync();
        await using var other = await StartAsync();

        var ids = new List<Guid>();
        foreach (var (asked, name) in new[] { (host, "alice"), (other, "alice"), (host, "bob") })
        {
            using var answer = await PostAsync(asked, $$"""{"username":"{{name}}"}""");
            ids.Add((await BodyOf(answer)).GetProperty("user_id").GetGuid());
        }

        Assert.Equal(ids[0], ids[1]);
        Assert.NotEqual(ids[0], ids[2]);
    }

    [Theory]
    [InlineData("""{"username":""}""")]
    [InlineData("""{"username":" alice"}""")]
    [InlineData("""{"username":"a b"}""")]
    [InlineData("""{"username":"a\u0000b"}""")]
    [InlineData("""{"username":"<script>"}""")]
    [InlineData("""{"username":"../alice"}""")]
    [InlineData("""{"username":"\ud800"}""")]
    [InlineData("""{"username":"\u202ealice"}""")]
    [InlineData("""{"username":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""")]
    [InlineData("""{"username":1}""")]
    [InlineData("""{"username":null}""")]
    [InlineData("""{"username":"a","username":"b"}""")]
    [InlineData("""{"user":"alice"}""")]
    [InlineData("""["alice"]""")]
    [InlineData("""{"username":"alice" """)]
    [InlineData("")]
    public async Task Body_OutOfShape_Gets400(string body)
    {
        await using var host = await StartAsync();

        using var answer = await PostAsync(host, body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("INVALID", (await BodyOf(answer)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Body_TooLarge_Gets400()
    {
        await using var host = await StartAsync();
        using var answer = await PostAsync(host, $$"""{"username":"alice","pad":"{{new string('x', 8192)}}"}""");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("zoë.müller-2@example_1")]
    [InlineData("Юра")]
    public async Task Username_OfLettersOfAnyScript_IsTaken(string username)
    {
        await using var host = await StartAsync();
        using var answer = await PostAsync(host, JsonSerializer.Serialize(new { username }));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task DevTokens_Off_ThereIsNoSuchRoute()
    {
        await using var host = await AuthHost.StartAsync(("JWT_SECRET", TokenForge.Secret));
        using var answer = await PostAsync(host, """{"username":"alice"}""");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task IssuerAndAudience_AreInTheToken()
    {
        await using var host = await AuthHost.StartAsync(
            ("JWT_SECRET", TokenForge.Secret), ("Auth:DevTokens", "true"), ("Auth:Issuer", "me"), ("Auth:Audience", "voice"));
        using var answer = await PostAsync(host, """{"username":"alice"}""");
        using var use = await host.GetAsync("/identity", (await BodyOf(answer)).GetProperty("token").GetString());
        Assert.Equal(HttpStatusCode.OK, use.StatusCode);
    }

    private static Task<AuthHost> StartAsync() => AuthHost.StartAsync(("JWT_SECRET", TokenForge.Secret), ("Auth:DevTokens", "true"));

    /// <summary>The media type that curl sends with -d.</summary>
    private static Task<HttpResponseMessage> PostAsync(AuthHost host, string body)
        => host.Client.PostAsync(Path, new StringContent(body, Encoding.UTF8, "application/x-www-form-urlencoded"));

    private static async Task<JsonElement> BodyOf(HttpResponseMessage answer)
    {
        using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }
}
