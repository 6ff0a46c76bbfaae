using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Rooms;
using VoiceCluster.ApiFrontend.Tests.Rooms;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Every route of the frontend with its policy. A new route is declared, and added here, or these tests fail.</summary>
public sealed class RouteTableTests : IAsyncLifetime
{
    /// <summary>Method, pattern, who may call, and for Owner what the caller must have a part in.</summary>
    internal static readonly (string Route, RouteAccess Access, string? Resource)[] Table =
    [
        ("* /", RouteAccess.Public, null),
        ("* /socket.io", RouteAccess.Public, null),
        ("GET /api/audio/config", RouteAccess.IdentityUnlessOpen, null),
        ("GET /api/users/{userId}", RouteAccess.IdentityUnlessOpen, null),
        ("POST /api/users", RouteAccess.IdentityUnlessOpen, null),
        ("GET /api/channels/{channelId}/audio/stats", RouteAccess.IdentityUnlessOpen, null),
        ("GET /api/channels/{channelId}/members", RouteAccess.IdentityUnlessOpen, null),
        ("POST /api/channels/{channelId}/members", RouteAccess.IdentityUnlessOpen, "channel"),
        ("DELETE /api/channels/{channelId}/members/{userId}", RouteAccess.IdentityUnlessOpen, "channel"),
        ("DELETE /api/channels/{channelId}", RouteAccess.IdentityUnlessOpen, "channel"),
        ("DELETE /api/channels/{channelId}/bans/{userId}", RouteAccess.IdentityUnlessOpen, "channel"),
        ("GET /api/channels", RouteAccess.IdentityUnlessOpen, null),
        ("GET /api/channels/{channelId}", RouteAccess.IdentityUnlessOpen, null),
        ("PATCH /api/channels/{channelId}", RouteAccess.IdentityUnlessOpen, "channel"),
        ("POST /api/channels", RouteAccess.IdentityUnlessOpen, null),
        ("PUT /api/channels/{channelId}/bans/{userId}", RouteAccess.IdentityUnlessOpen, "channel"),
        ("DELETE /offer", RouteAccess.IdentityUnlessOpen, null),
        ("GET /ws", RouteAccess.IdentityUnlessOpen, null),
        ("POST /ice-candidate", RouteAccess.IdentityUnlessOpen, "peer"),
        ("POST /offer", RouteAccess.IdentityUnlessOpen, null),
        ("DELETE /chat/reaction", RouteAccess.IdentityUnlessOpen, "chat"),
        ("GET /chat/messages/{sessionId}", RouteAccess.IdentityUnlessOpen, "chat"),
        ("GET /chat/notifications", RouteAccess.IdentityUnlessOpen, null),
        ("GET /chat/usage/{sessionId}", RouteAccess.IdentityUnlessOpen, "chat"),
        ("POST /chat/attachment", RouteAccess.IdentityUnlessOpen, "chat"),
        ("POST /chat/join", RouteAccess.IdentityUnlessOpen, "chat"),
        ("POST /chat/message", RouteAccess.IdentityUnlessOpen, "chat"),
        ("POST /chat/reaction", RouteAccess.IdentityUnlessOpen, "chat"),
        ("POST /chat/session", RouteAccess.IdentityUnlessOpen, null),
        ("DELETE /call/recordings/{sessionId}/{recordingId}", RouteAccess.IdentityUnlessOpen, "call session"),
        ("GET /call/recordings/{sessionId}", RouteAccess.IdentityUnlessOpen, "call session"),
        ("GET /call/recordings/{sessionId}/{recordingId}/{name}", RouteAccess.IdentityUnlessOpen, "call session"),
        ("GET /call/session/{sessionId}", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/join", RouteAccess.IdentityUnlessOpen, null),
        ("POST /call/kick", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/leave", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/mute", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/quality", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/recording/start", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/recording/stop", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/role", RouteAccess.IdentityUnlessOpen, "call session"),
        ("POST /call/session", RouteAccess.IdentityUnlessOpen, null),
        ("GET /voice/events", RouteAccess.Identity, null),
        ("PATCH /voice/state", RouteAccess.Owner, "session"),
        ("POST /voice/join", RouteAccess.Identity, null),
        ("POST /voice/leave", RouteAccess.Owner, "session"),
        ("POST /voice/signal", RouteAccess.Owner, "session"),
        ("DELETE /api/v1/calls/{callId}", RouteAccess.Owner, "call"),
        ("GET /api/v1/calls", RouteAccess.Owner, "chat"),
        ("GET /api/v1/calls/ice-servers", RouteAccess.Identity, null),
        ("GET /api/v1/calls/{callId}", RouteAccess.Owner, "call"),
        ("GET /api/v1/chats/{chatId}", RouteAccess.Owner, "chat"),
        ("GET /api/v1/ws", RouteAccess.Identity, null),
        ("PATCH /api/v1/calls/{callId}", RouteAccess.Owner, "call"),
        ("POST /api/v1/calls", RouteAccess.Owner, "chat"),
        ("POST /api/v1/chats", RouteAccess.Identity, null),
        ("GET /health", RouteAccess.Public, null),
        ("GET /health/ready", RouteAccess.Public, null),
        ("GET /metrics", RouteAccess.Public, null),
        ("GET /openapi/v1.json", RouteAccess.Public, null),
        ("POST /api/v1/auth/token", RouteAccess.Public, null),
    ];

    private WebApplication _app = null!;

    private IEnumerable<RouteEndpoint> Endpoints => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.Cast<RouteEndpoint>();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(
        [
            new("Http:Ports", "0"), new("Http:DrainDelay", "00:00:00"), new("Auth:Mode", "Required"), new("JWT_SECRET", TokenForge.Secret),
        ]);
        builder.WebHost.UseKestrelCore();
        builder.Services.AddSingleton<IRoomAccess>(new FakeRooms());
        builder.AddApiFrontend();
        builder.Services.AddPrometheus();
        _app = builder.Build();
        _app.MapHealth();
        _app.MapPrometheus();
        _app.MapApiFrontend();
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    [Fact]
    public void Routes_All_DeclareAPolicy()
        => Assert.Empty(Endpoints.Where(e => RoutePolicy.Of(e) is null).SelectMany(NamesOf));

    [Fact]
    public void Routes_All_AreInTheTableWithTheirPolicy()
    {
        var declared = Endpoints.SelectMany(e => NamesOf(e).Select(name => $"{name} {RoutePolicy.Of(e)?.Access} {RoutePolicy.Of(e)?.Resource}"));
        var listed = Table.Select(row => $"{row.Route} {row.Access} {row.Resource}");

        Assert.Equal(listed.Order(StringComparer.Ordinal), declared.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Routes_OfOwners_NameTheResource()
        => Assert.DoesNotContain(Table, row => row.Access switch
        {
            RouteAccess.Owner => row.Resource is null,
            RouteAccess.IdentityUnlessOpen => false,
            _ => row.Resource is not null,
        });

    [Fact]
    public async Task Routes_ThatNeedAToken_RefuseARequestWithout()
    {
        using HttpClient client = new() { BaseAddress = new Uri(_app.Urls.First()) };
        foreach (var endpoint in Endpoints.Where(e => RoutePolicy.Of(e)?.Access != RouteAccess.Public))
        {
            foreach (var method in MethodsOf(endpoint))
            {
                // A parameter gets a UUID; a constraint that refuses it shows as 404 here and needs a value of its own.
                var path = System.Text.RegularExpressions.Regex.Replace(endpoint.RoutePattern.RawText!, @"\{[^}]*\}", TokenForge.Subject);
                using HttpRequestMessage request = new(new HttpMethod(method), path);
                using var answer = await client.SendAsync(request);
                Assert.True((int)answer.StatusCode == StatusCodes.Status401Unauthorized, $"{method} {path} answered {(int)answer.StatusCode}.");
            }
        }
    }

    private static IEnumerable<string> NamesOf(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is { } methods
        ? methods.HttpMethods.Select(method => $"{method} {PatternOf(endpoint)}")
        : [$"* {PatternOf(endpoint)}"];

    private static IEnumerable<string> MethodsOf(RouteEndpoint endpoint)
        => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"];

    private static string PatternOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText!.Trim('/');
}
