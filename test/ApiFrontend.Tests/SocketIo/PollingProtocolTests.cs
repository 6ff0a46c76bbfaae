using System.Net;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>Engine.IO over plain HTTP requests.</summary>
public sealed class PollingProtocolTests
{
    private const string Polling = "/socket.io/?EIO=4&transport=polling";

    [Fact]
    public async Task Handshake_Polling_GivesTheSessionsParameters()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using HttpResponseMessage response = await app.Http.GetAsync(Polling);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain; charset=UTF-8", response.Content.Headers.ContentType!.ToString());
        string body = await response.Content.ReadAsStringAsync();
        Assert.StartsWith("0{", body);
        JsonElement handshake = JsonElement.Parse(body[1..]);
        Assert.Equal(40, handshake.GetProperty("sid").GetString()!.Length);
        Assert.Equal("websocket", handshake.GetProperty("upgrades")[0].GetString());
        Assert.Equal(25_000, handshake.GetProperty("pingInterval").GetInt32());
        Assert.Equal(20_000, handshake.GetProperty("pingTimeout").GetInt32());
        Assert.Equal(1_000_000, handshake.GetProperty("maxPayload").GetInt32());
    }

    [Theory]
    [InlineData("GET", "/socket.io/?EIO=4&transport=pigeon", 400, "{\"code\":0,\"message\":\"Transport unknown\"}")]
    [InlineData("GET", "/socket.io/", 400, "{\"code\":0,\"message\":\"Transport unknown\"}")]
    [InlineData("GET", "/socket.io/?EIO=4&transport=polling&sid=nobody", 400, "{\"code\":1,\"message\":\"Session ID unknown\"}")]
    [InlineData("POST", "/socket.io/?EIO=4&transport=polling&sid=nobody", 400, "{\"code\":1,\"message\":\"Session ID unknown\"}")]
    [InlineData("POST", "/socket.io/?EIO=4&transport=polling", 400, "{\"code\":2,\"message\":\"Bad handshake method\"}")]
    [InlineData("GET", "/socket.io/?EIO=4&transport=websocket", 400, "{\"code\":3,\"message\":\"Bad request\"}")]
    [InlineData("GET", "/socket.io/?EIO=3&transport=polling", 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}")]
    [InlineData("GET", "/socket.io/?transport=polling", 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}")]
    public async Task Request_ThatEngineIoRefuses_GetsItsCode(string method, string path, int status, string body)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using HttpResponseMessage response = await app.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(body, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Post_ConnectAndEvent_AnswersWithTheNextPoll()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        Assert.Equal("ok", await PostAsync(app, path, "40/echo,\u001e42/echo,7[\"echo\",{\"a\":[1,\"ü\"]}]"));
        string answer = await app.Http.GetStringAsync(path);
        if (!answer.Contains('\u001e'))
        {
            answer += '\u001e' + await app.Http.GetStringAsync(path);
        }

        string[] packets = answer.Split('\u001e');
        Assert.StartsWith("40/echo,{\"sid\":", packets[0]);
        Assert.Equal("43/echo,7[{\"a\":[1,\"ü\"]}]", packets[1]);
    }

    [Fact]
    public async Task Poll_WithoutPackets_WaitsForOne()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        Task<string> poll = app.Http.GetStringAsync(path);
        await PostAsync(app, path, "40/nowhere,");
        Assert.Equal("44/nowhere,{\"message\":\"Invalid namespace\"}", await poll);
    }

    [Fact]
    public async Task Post_BinaryEvent_ComesBackInBase64()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        await PostAsync(app, path, "40/echo,");
        await app.Http.GetStringAsync(path);
        await PostAsync(app, path, "451-/echo,1[\"echo\",{\"_placeholder\":true,\"num\":0}]\u001ebAQIDBA==");
        Assert.Equal("461-/echo,1[{\"_placeholder\":true,\"num\":0}]\u001ebAQIDBA==", await app.Http.GetStringAsync(path));
    }

    [Fact]
    public async Task Poll_BesideAnOpenOne_EndsTheSession()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        Task<HttpResponseMessage> first = app.Http.GetAsync(path);
        Task<HttpResponseMessage> second = app.Http.GetAsync(path);
        HttpStatusCode[] statuses = [(await first).StatusCode, (await second).StatusCode];
        Assert.Contains(HttpStatusCode.BadRequest, statuses);
        await AssertGoneAsync(app, path);
    }

    [Fact]
    public async Task Post_OverThePayloadLimit_Gets413AndEndsTheSession()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        using HttpResponseMessage response = await app.Http.PostAsync(path, new StringContent("4" + new string('x', 1_000_000)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        await AssertGoneAsync(app, path);
    }

    [Fact]
    public async Task Post_OverTheBodyLimit_Gets413()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:MaxPayload=4000000");
        string path = await OpenAsync(app);
        using HttpResponseMessage response = await app.Http.PostAsync(path, new StringContent("4" + new string('x', 1_100_000)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Theory]
    [InlineData("9")]
    [InlineData("")]
    [InlineData("bnot-base-64!")]
    [InlineData("42/echo,[")]
    [InlineData("2")]
    public async Task Post_ThatBreaksTheProtocol_EndsTheSession(string body)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        await PostAsync(app, path, "40/echo,");
        await app.Http.GetStringAsync(path);
        using HttpResponseMessage response = await app.Http.PostAsync(path, new StringContent(body));
        Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.OK);
        await AssertGoneAsync(app, path);
    }

    [Fact]
    public async Task Post_BrokenUtf8_Gets400()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string path = await OpenAsync(app);
        using HttpResponseMessage response = await app.Http.PostAsync(path, new ByteArrayContent([(byte)'4', (byte)'2', 0xff, 0xfe]));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        await AssertGoneAsync(app, path);
    }

    [Fact]
    public async Task Session_WithoutPong_EndsAfterThePingTimeout()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:PingInterval=00:00:00.100", "SocketIo:PingTimeout=00:00:00.100");
        string path = await OpenAsync(app);
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the session without a pong is gone");
        await AssertGoneAsync(app, path);
    }

    [Fact]
    public async Task Session_WithoutNamespace_EndsAfterTheConnectTimeout()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:ConnectTimeout=00:00:00.100");
        string path = await OpenAsync(app);
        Assert.Equal("1", await app.Http.GetStringAsync(path));
        Assert.Equal(0, app.Sockets.SessionCount);
    }

    [Fact]
    public async Task Open_MoreThanAllowed_Gets503()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:MaxSessionsPerAddress=2");
        await OpenAsync(app);
        await OpenAsync(app);
        using HttpResponseMessage response = await app.Http.GetAsync(Polling);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(2, app.Sockets.SessionCount);
    }

    private static async Task<string> OpenAsync(FrontendApp app)
    {
        string body = await app.Http.GetStringAsync(Polling);
        return $"{Polling}&sid={JsonElement.Parse(body[1..]).GetProperty("sid").GetString()}";
    }

    private static async Task<string> PostAsync(FrontendApp app, string path, string body)
    {
        using HttpResponseMessage response = await app.Http.PostAsync(path, new StringContent(body, Encoding.UTF8, "text/plain"));
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>What was queued before the end may still be fetched; then the session is unknown.</summary>
    private static async Task AssertGoneAsync(FrontendApp app, string path)
    {
        using HttpResponseMessage last = await app.Http.GetAsync(path);
        if (last.StatusCode == HttpStatusCode.OK)
        {
            Assert.EndsWith("1", await last.Content.ReadAsStringAsync());
        }

        using HttpResponseMessage response = await app.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Session ID unknown", await response.Content.ReadAsStringAsync());
    }
}
