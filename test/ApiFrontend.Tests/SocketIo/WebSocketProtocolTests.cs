using System.Net.WebSockets;
using System.Text.Json;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>Engine.IO and Socket.IO over a WebSocket, frame by frame.</summary>
public sealed class WebSocketProtocolTests
{
    [Fact]
    public async Task Stop_WithAHandlerThatNeverEnds_ClosesTheConnectionAllTheSame()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:StopTimeout=00:00:00.100");
        using RawSocket socket = await RawSocket.ConnectAsync(app.Address, "/echo");
        await socket.AskAsync("echo", "1");
        await socket.SendAsync("42/echo,[\"hang\"]");

        await app.Sockets.StopAsync(CancellationToken.None);

        Assert.Null(await socket.ReceiveAsync());
    }

    [Fact]
    public async Task Connect_WithAndWithoutAuth_IsDecidedByTheNamespace()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.OpenAsync(app.Address);
        JsonElement handshake = JsonElement.Parse((await raw.ReceiveAsync())![1..]);
        Assert.Equal(0, handshake.GetProperty("upgrades").GetArrayLength());
        await raw.SendAsync("40/closed,");
        Assert.Equal("44/closed,{\"message\":\"No entry\"}", await raw.ReceiveAsync());
        await raw.SendAsync("40/closed,{\"token\":\"let me in\"}");
        Assert.StartsWith("40/closed,{\"sid\":", await raw.ReceiveAsync());
    }

    [Fact]
    public async Task Ping_FromTheServer_KeepsTheSessionWhileItIsAnswered()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("SocketIo:PingInterval=00:00:00.050", "SocketIo:PingTimeout=00:00:05");
        using RawSocket raw = await RawSocket.OpenAsync(app.Address);
        Assert.StartsWith("0{", await raw.ReceiveAsync());
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("2", await raw.ReceiveAsync());
            await raw.SendAsync("3");
        }

        Assert.Equal(1, app.Sockets.SessionCount);
    }

    [Fact]
    public async Task Upgrade_AfterAProbe_LetsThePollGoAndTakesOver()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string body = await app.Http.GetStringAsync("/socket.io/?EIO=4&transport=polling");
        string sid = JsonElement.Parse(body[1..]).GetProperty("sid").GetString()!;
        string path = $"/socket.io/?EIO=4&transport=polling&sid={sid}";
        await app.Http.PostAsync(path, new StringContent("40/echo,"));
        Assert.StartsWith("40/echo,", await app.Http.GetStringAsync(path));

        Task<string> poll = app.Http.GetStringAsync(path);
        using RawSocket raw = await RawSocket.OpenAsync(app.Address, $"EIO=4&transport=websocket&sid={sid}");
        await raw.SendAsync("2probe");
        Assert.Equal("3probe", await raw.ReceiveAsync());
        Assert.Equal("6", await poll);
        await raw.SendAsync("5");
        await raw.SendAsync("42/echo,1[\"echo\",\"over the socket\"]");
        Assert.Equal("43/echo,1[\"over the socket\"]", await raw.ReceiveAsync());
        using HttpResponseMessage late = await app.Http.GetAsync(path);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, late.StatusCode);
        Assert.Equal(1, app.Sockets.SessionCount);
    }

    [Fact]
    public async Task Upgrade_ThatFails_LeavesThePollingSession()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        string body = await app.Http.GetStringAsync("/socket.io/?EIO=4&transport=polling");
        string sid = JsonElement.Parse(body[1..]).GetProperty("sid").GetString()!;
        string path = $"/socket.io/?EIO=4&transport=polling&sid={sid}";
        using (RawSocket raw = await RawSocket.OpenAsync(app.Address, $"EIO=4&transport=websocket&sid={sid}"))
        {
            await raw.SendAsync("2prob");
            Assert.Null(await raw.ReceiveAsync());
        }

        await app.Http.PostAsync(path, new StringContent("40/echo,"));
        Assert.StartsWith("40/echo,", await app.Http.GetStringAsync(path));
    }

    [Theory]
    [InlineData("8")]
    [InlineData("42/echo,[\"a\"")]
    [InlineData("42/echo,[\"connect\"]")]
    [InlineData("40/echo,")]
    [InlineData("44/echo,{\"message\":\"no\"}")]
    [InlineData("0{}")]
    public async Task Frame_ThatBreaksTheProtocol_ClosesTheConnection(string frame)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        await raw.SendAsync(frame);
        Assert.Null(await raw.ReceiveAsync());
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the session is gone");
    }

    [Fact]
    public async Task Frame_WithBrokenUtf8_ClosesTheConnection()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        await raw.SendAsync([(byte)'4', (byte)'2', 0xc3, 0x28], WebSocketMessageType.Text);
        Assert.Null(await raw.ReceiveAsync());
    }

    [Fact]
    public async Task Frame_OverThePayloadLimit_ClosesWith1009()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        await raw.SendAsync("42/echo,[\"echo\",\"" + new string('x', 1_000_000) + "\"]");
        Assert.Null(await raw.ReceiveAsync());
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, raw.CloseStatus);
    }

    [Fact]
    public async Task Event_OfJustUnderThePayloadLimit_ComesBack()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        string text = new('x', 990_000);
        Assert.Equal(text, (await raw.AskAsync("echo", $"\"{text}\"")).GetString());
    }

    [Fact]
    public async Task Client_ThatDoesNotRead_IsClosedAndNotBuffered()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        await raw.SendAsync($"42/echo,[\"flood\",\"{new string('x', 10_000)}\"]");
        await Eventually.TrueAsync(() => app.Sockets.SessionCount == 0, "the client that does not read is gone");
    }

    [Fact]
    public async Task Handler_ThatThrows_LeavesTheSocketAlive()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        await raw.SendAsync("42/echo,[\"fail\"]");
        Assert.Equal("still here", (await raw.AskAsync("echo", "\"still here\"")).GetString());
    }

    [Fact]
    public async Task Reconnect_WithPidAndOffset_ReplaysWhatWasMissed()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket first = await RawSocket.ConnectAsync(app.Address, "/echo");
        string sid = first.Connected.GetProperty("sid").GetString()!;
        string pid = first.Connected.GetProperty("pid").GetString()!;
        await first.SendAsync("42/echo,[\"send-back\",1]");
        JsonElement seen = await first.NextEventAsync();
        await first.SendAsync("42/echo,[\"send-back\",2]");
        await first.NextEventAsync();
        first.Drop();

        using RawSocket second = await RawSocket.ConnectAsync(app.Address, "/echo", $$"""{"pid":"{{pid}}","offset":"{{seen[2].GetString()}}"}""");
        Assert.Equal(sid, second.Connected.GetProperty("sid").GetString());
        Assert.Equal(2, (await second.ExpectAsync("sent-back")).GetInt32());
        Assert.Equal("back", (await second.AskAsync("echo", "\"back\"")).GetString());
    }

    [Fact]
    public async Task Reconnect_WhileTheOldConnectionSeemsAlive_TakesItsSocketOver()
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket first = await RawSocket.ConnectAsync(app.Address, "/echo");
        string pid = first.Connected.GetProperty("pid").GetString()!;
        using RawSocket second = await RawSocket.ConnectAsync(app.Address, "/echo", $$"""{"pid":"{{pid}}"}""");
        Assert.Equal(first.Connected.GetRawText(), second.Connected.GetRawText());
        Assert.Equal("mine", (await second.AskAsync("echo", "\"mine\"")).GetString());

        // What the old connection still says concerns no socket any more.
        await first.SendAsync("42/echo,0[\"send-back\",1]");
        await first.SendAsync("40/echo,");
        Assert.StartsWith("40/echo,", await first.ReceiveAsync());
        Assert.Equal("again", (await second.AskAsync("echo", "\"again\"")).GetString());
    }

    [Theory]
    [InlineData("http://localhost:5173", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    public async Task Open_FromAPageOfAnotherOrigin_NeedsTheConfiguration(string origin, bool allowed)
    {
        await using FrontendApp app = await FrontendApp.StartAsync("Http:CorsOrigins=localhost");
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", origin);
        var uri = new UriBuilder(app.Address) { Scheme = "ws", Path = "/socket.io/", Query = "EIO=4&transport=websocket" };
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        Task connecting = socket.ConnectAsync(uri.Uri, limit.Token);
        if (allowed)
        {
            await connecting;
            Assert.Equal(WebSocketState.Open, socket.State);
        }
        else
        {
            await Assert.ThrowsAsync<WebSocketException>(() => connecting);
        }
    }

    [Theory]
    [InlineData("{\"pid\":\"0000\",\"offset\":\"1\"}")]
    [InlineData("{\"pid\":1,\"offset\":2}")]
    public async Task Reconnect_WithAnUnknownPid_GivesANewSocket(string auth)
    {
        await using FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo", auth);
        Assert.Equal("new", (await raw.AskAsync("echo", "\"new\"")).GetString());
    }

    [Fact]
    public async Task Stop_OfTheServer_ClosesItsClients()
    {
        FrontendApp app = await FrontendApp.StartAsync();
        using RawSocket raw = await RawSocket.ConnectAsync(app.Address, "/echo");
        Task<string?> last = raw.ReceiveAsync();
        await app.DisposeAsync();
        Assert.Null(await last);
    }

    [Fact]
    public async Task Listen_OnSeveralPorts_ServesSocketsOnEach()
    {
        await using FrontendApp app = await FrontendApp.StartAsync("Http:Ports=0,0,0");
        Assert.Equal(3, app.Addresses.Distinct().Count());
        foreach (Uri address in app.Addresses)
        {
            using RawSocket raw = await RawSocket.ConnectAsync(address, "/echo");
            Assert.Equal(1, (await raw.AskAsync("echo", "1")).GetInt32());
        }
    }
}
