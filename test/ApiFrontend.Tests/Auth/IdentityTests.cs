using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Identity;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>What an honest token gives, which policies ask for one, and how it may come.</summary>
public sealed class IdentityTests(IdentityFixture fixture) : IClassFixture<IdentityFixture>
{
    [Theory]
    [InlineData("/public", HttpStatusCode.OK)]
    [InlineData("/open", HttpStatusCode.Unauthorized)]
    [InlineData("/identity", HttpStatusCode.Unauthorized)]
    [InlineData("/owner", HttpStatusCode.Unauthorized)]
    [InlineData("/admin", HttpStatusCode.Unauthorized)]
    [InlineData("/undeclared", HttpStatusCode.Unauthorized)]
    [InlineData("/nothing", HttpStatusCode.NotFound)]
    public async Task RequiredMode_WithoutToken_FollowsThePolicy(string path, HttpStatusCode expected)
    {
        using var answer = await fixture.Host.GetAsync(path);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Theory]
    [InlineData("/open", HttpStatusCode.OK)]
    [InlineData("/identity", HttpStatusCode.Unauthorized)]
    [InlineData("/owner", HttpStatusCode.Unauthorized)]
    [InlineData("/admin", HttpStatusCode.Unauthorized)]
    [InlineData("/undeclared", HttpStatusCode.Unauthorized)]
    public async Task OpenMode_WithoutToken_FollowsThePolicy(string path, HttpStatusCode expected)
    {
        await using var host = await AuthHost.StartAsync(("Auth:Mode", "Open"), ("JWT_SECRET", TokenForge.Secret));
        using var answer = await host.GetAsync(path);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task Refusal_OnARouteWithItsOwnShape_IsWrittenInIt()
    {
        using var answer = await fixture.Host.GetAsync("/enveloped");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("""{"status":401,"message":"A token is required.","data":null}""", await answer.Content.ReadAsStringAsync());
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().ToString());
    }

    [Theory]
    [InlineData(null, HttpStatusCode.Forbidden)]
    [InlineData("moderator", HttpStatusCode.Forbidden)]
    [InlineData("Admin", HttpStatusCode.Forbidden)]
    [InlineData("admin", HttpStatusCode.OK)]
    public async Task Role_OfTheToken_OpensWhatAsksForIt(string? role, HttpStatusCode expected)
    {
        using var answer = await fixture.Host.GetAsync("/admin", fixture.Forge.ValidHmac(c => c["roles"] = role is null ? new JsonArray() : new JsonArray(role)));
        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public async Task Subject_OfFreeText_IsTheStableUuidOfTheDoors()
    {
        var identity = await AcceptAsync(fixture.Forge.ValidHmac(c => { c["sub"] = "user123"; c.Remove("name"); }));

        Assert.Equal(UserIdentity.FromText("user123"), identity.UserId);
        Assert.Equal("user123", identity.Name);
        Assert.Null(identity.Rooms);
        Assert.True(identity.MayJoin("any room"));
    }

    [Fact]
    public async Task RoomGrants_OfNamesAndPrefixes_LetInThoseAlone()
    {
        var identity = await AcceptAsync(fixture.Forge.ValidHmac(c => c["rooms"] = new JsonArray("lobby", "team-*")));

        Assert.True(identity.MayJoin("lobby"));
        Assert.True(identity.MayJoin("team-7"));
        Assert.False(identity.MayJoin("lobby2"));
        Assert.False(identity.MayJoin("Team-7"));
        Assert.False((await AcceptAsync(fixture.Forge.ValidHmac(c => c["rooms"] = new JsonArray()))).MayJoin("lobby"));
    }

    [Fact]
    public async Task ClockSkew_OfTheIssuer_IsForgivenWithinItsBound()
    {
        var within = fixture.Forge.ValidHmac(c => c["exp"] = (long)c["exp"]! - 3600 - 29);
        var beyond = fixture.Forge.ValidHmac(c => c["exp"] = (long)c["exp"]! - 3600 - 30);

        Assert.True((await ValidateAsync(within)).Succeeded);
        Assert.Equal(TokenFault.Expired, (await ValidateAsync(beyond)).Fault);
    }

    [Fact]
    public async Task Audience_AmongOthers_IsFound()
        => Assert.True((await ValidateAsync(fixture.Forge.ValidRsa(c => c["aud"] = new JsonArray("billing", TokenForge.Audience)))).Succeeded);

    [Theory]
    [InlineData("header")]
    [InlineData("query")]
    [InlineData("subprotocol")]
    public async Task WebSocket_WithATokenByAnyCarrier_IsLetIn(string carrier)
    {
        using CancellationTokenSource deadline = new(TimeSpan.FromSeconds(10));
        using ClientWebSocket socket = new();
        var token = fixture.Forge.ValidEc();
        var query = string.Empty;
        switch (carrier)
        {
            case "header":
                socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
                break;
            case "query":
                query = $"?token={token}";
                break;
            default:
                socket.Options.AddSubProtocol(TokenCarriers.Subprotocol);
                socket.Options.AddSubProtocol(token);
                break;
        }

        await socket.ConnectAsync(new UriBuilder(fixture.Host.Address) { Scheme = "ws", Path = "/ws", Query = query }.Uri, deadline.Token);
        var buffer = new byte[100];
        var received = await socket.ReceiveAsync(buffer, deadline.Token);

        Assert.Equal(TokenForge.Subject, Encoding.ASCII.GetString(buffer, 0, received.Count));
        Assert.Equal(carrier == "subprotocol" ? "bearer" : null, socket.SubProtocol);
    }

    [Fact]
    public async Task MutatedTokens_NeverThrow_AndNeverPass()
    {
        var iterations = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_ITERATIONS"), out var asked) ? asked : 5_000;
        string[] seeds = [fixture.Forge.ValidHmac(), fixture.Forge.ValidRsa(), fixture.Forge.ValidEc()];
        const string alphabet = "ABCabc019-_.=+/ \"{}[]\\\u00e9\ud800";
        Random random = new(7519);
        for (var i = 0; i < iterations; i++)
        {
            var seed = seeds[i % seeds.Length];
            StringBuilder mutant = new(seed);
            for (var changes = random.Next(1, 6); changes > 0; changes--)
            {
                var at = random.Next(mutant.Length);
                switch (random.Next(3))
                {
                    case 0:
                        mutant[at] = alphabet[random.Next(alphabet.Length)];
                        break;
                    case 1:
                        mutant.Remove(at, Math.Min(random.Next(1, 20), mutant.Length - at - 1));
                        break;
                    default:
                        mutant.Insert(at, alphabet[random.Next(alphabet.Length)]);
                        break;
                }
            }

            var token = mutant.ToString();
            if (token != seed)
            {
                Assert.False((await ValidateAsync(token)).Succeeded, token);
            }
        }
    }

    private ValueTask<TokenResult> ValidateAsync(string token)
        => fixture.Host.Services.GetRequiredService<ITokenValidator>().ValidateAsync(token);

    private async Task<VoiceIdentity> AcceptAsync(string token)
    {
        var result = await ValidateAsync(token);
        Assert.True(result.Succeeded, result.Fault.ToString());
        return result.Identity;
    }
}
