using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.MediaNode.Tests.Control;

namespace VoiceCluster.MediaNode.Tests.Admin;

public sealed class AdminTests : IAsyncLifetime
{
    private const string Opus = """{"codecs":[{"mimeType":"audio/opus","payloadType":100,"clockRate":48000,"channels":2}],"encodings":[{"ssrc":4242}]}""";
    private AdminNode _admin = null!;

    public async Task InitializeAsync() => _admin = await AdminNode.StartAsync();

    public async Task DisposeAsync() => await _admin.DisposeAsync();

    [Fact]
    public async Task Media_OfAPlainSender_ReachesAPlainReceiver()
    {
        using Socket sender = Open(), receiver = Open();
        await _admin.PostAsync("/admin/routers", """{"id":"r"}""");
        var from = await _admin.PostAsync("/admin/routers/r/plain-transports", """{"comedia":true}""");
        var to = await _admin.PostAsync("/admin/routers/r/plain-transports");
        await _admin.PostAsync($"/admin/transports/{Id(from)}/producers", $$"""{"id":"p","kind":"audio","rtpParameters":{{Opus}}}""");
        var consumer = await _admin.PostAsync($"/admin/transports/{Id(to)}/consumers", """{"producerId":"p"}""");
        var connected = await _admin.PostAsync($"/admin/transports/{Id(to)}/connect", $$"""{"ip":"127.0.0.1","port":{{Port(receiver)}}}""");
        Assert.Equal(Port(receiver), connected.GetProperty("tuple").GetProperty("remotePort").GetInt32());
        var ssrc = consumer.GetProperty("rtpParameters").GetProperty("encodings")[0].GetProperty("ssrc").GetUInt32();

        var into = new IPEndPoint(IPAddress.Loopback, from.GetProperty("tuple").GetProperty("localPort").GetInt32());
        var heard = 0;
        var buffer = new byte[2_048];
        var deadline = Environment.TickCount64 + 20_000;
        for (ushort sequence = 0; heard < 20; sequence++)
        {
            Assert.True(Environment.TickCount64 < deadline, "Nothing came within 20 s.");
            sender.SendTo(Rtp(4242, sequence), into);
            while (receiver.Poll(20_000, SelectMode.SelectRead))
            {
                var length = receiver.Receive(buffer);
                if (length > 12 && System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(8)) == ssrc && buffer[1] < 192)
                {
                    heard++;
                }
            }
        }

        var state = await _admin.GetAsync($"/admin/transports/{Id(to)}");
        Assert.True(state.GetProperty("stats").GetProperty("rtpPacketsSent").GetInt64() >= 20);
        Assert.Contains($"m=audio {Port(receiver)} RTP/AVP", await _admin.GetTextAsync($"/admin/transports/{Id(to)}/sdp"));
        Assert.Equal(2, (await _admin.GetAsync("/admin/routers/r")).GetProperty("plainTransports").GetArrayLength());
        Assert.Equal(HttpStatusCode.NoContent, (await _admin.SendAsync(HttpMethod.Delete, "/admin/routers/r")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _admin.SendAsync(HttpMethod.Get, $"/admin/transports/{Id(to)}")).StatusCode);
        Assert.Equal(0, _admin.Node.Runtime.Workers.Sum(w => w.Worker.Stats.PlainTransports));
    }

    [Fact]
    public async Task Room_IsHeardByAPlainReceiver_ButNotSpokenInto_AndItsGrainDoesNotNotice()
    {
        await _admin.Node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await _admin.Node.RunAsync<MediaDone>(new CreateProducer("p", "a", MediaKind.Audio, Opus, Paused: false));
        var plain = await _admin.PostAsync("/admin/routers/r/plain-transports");
        var consumer = await _admin.PostAsync($"/admin/transports/{Id(plain)}/consumers", """{"producerId":"p"}""");
        Assert.Equal("p", consumer.GetProperty("producerId").GetString());

        var refused = await _admin.SendAsync(HttpMethod.Post, $"/admin/transports/{Id(plain)}/producers", $$"""{"kind":"audio","rtpParameters":{{Opus}}}""");
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _admin.SendAsync(HttpMethod.Delete, "/admin/routers/r")).StatusCode);

        // The grain knows of no such consumer, and reconciling leaves it alone.
        var desired = new DesiredRoom([new DesiredTransport("a", "alice")], [new DesiredProducer("p", "a", false)], []);
        var reconciled = await _admin.Node.Control.ReconcileAsync(_admin.Node.Header("r", 1), desired);
        Assert.Null(reconciled.Fault);
        Assert.Equal(1, (await _admin.GetAsync($"/admin/transports/{Id(plain)}")).GetProperty("consumers").GetArrayLength());

        await _admin.Node.TryAsync(new CloseRoom());
        Assert.Equal(HttpStatusCode.NotFound, (await _admin.SendAsync(HttpMethod.Get, $"/admin/transports/{Id(plain)}")).StatusCode);
    }

    [Fact]
    public async Task Room_OnSeveralWorkers_IsOneToAnOperator()
    {
        await using var admin = await AdminNode.StartAsync(maxConsumersPerWorker: 1);
        await admin.Node.RunAsync<TransportOpened>(new CreateWebRtcTransport("a", "alice"));
        await admin.Node.RunAsync<MediaDone>(new CreateProducer("p", "a", MediaKind.Audio, Opus, Paused: false));
        await admin.Node.RunAsync<SlotConsumersOpened>(new CreateSlotConsumers(["s"], "a", [Opus], false));
        await admin.Node.RunAsync<TransportOpened>(new CreateWebRtcTransport("b", "bob"));
        await admin.Node.RunAsync<MediaDone>(new CreateProducer("q", "b", MediaKind.Audio, Opus, Paused: false));
        Assert.Equal(1, admin.Node.Runtime.Workers.Sum(w => w.Worker.Stats.Branches));
        await admin.Node.RunAsync<MediaDone>(new CloseConsumer("s"));

        var plain = await admin.PostAsync("/admin/routers/r/plain-transports");
        foreach (var producer in (string[])["p", "q"])
        {
            var consumer = await admin.PostAsync($"/admin/transports/{Id(plain)}/consumers", $$"""{"producerId":"{{producer}}"}""");
            Assert.Equal(producer, consumer.GetProperty("producerId").GetString());
        }

        var room = await admin.GetAsync("/admin/routers/r");
        Assert.Equal(["p", "q"], room.GetProperty("producers").EnumerateArray().Select(p => p.GetProperty("id").GetString()).Order());
        Assert.Equal(1, room.GetProperty("plainTransports").GetArrayLength());
        Assert.Equal(1, (await admin.GetAsync("/admin/routers")).GetProperty("routers").GetArrayLength());
    }

    [Theory]
    [InlineData("POST", "/admin/routers", "[]", 400)]
    [InlineData("POST", "/admin/routers", "{", 400)]
    [InlineData("POST", "/admin/routers", """{"id":7}""", 400)]
    [InlineData("POST", "/admin/routers", """{"id":"a/b"}""", 400)]
    [InlineData("POST", "/admin/routers", """{"id":"r"}""", 409)]
    [InlineData("GET", "/admin/routers/none", null, 404)]
    [InlineData("DELETE", "/admin/routers/none", null, 404)]
    [InlineData("POST", "/admin/routers/none/plain-transports", "{}", 404)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"listenIp":"everywhere"}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"listenInfo":{"ip":"127.0.0.1","protocol":"tcp"}}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"listenInfo":{"ip":"127.0.0.1","port":70000}}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"listenIp":"192.0.2.1"}""", 409)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"rtcpMux":"yes"}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"participant":"Radio"}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"participant":{"name":""}}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"participant":{"name":"Radio","userId":"me"}}""", 400)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"participant":{"name":"Radio"}}""", 409)]
    [InlineData("POST", "/admin/routers/room/plain-transports", """{"participant":{"name":"Radio"}}""", 409)]
    [InlineData("POST", "/admin/routers/r/plain-transports", """{"enableSrtp":true,"srtpCryptoSuite":"AES_CM_128_HMAC_SHA1_32"}""", 400)]
    [InlineData("POST", "/admin/transports/none/connect", """{"ip":"127.0.0.1","port":5000}""", 404)]
    [InlineData("POST", "/admin/transports/{t}/connect", """{"ip":"127.0.0.1"}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/connect", """{"ip":"127.0.0.1","port":"5000"}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/connect", """{"ip":"127.0.0.1","port":5000,"rtcpPort":5001}""", 409)]
    [InlineData("POST", "/admin/transports/{t}/connect", """{"ip":"127.0.0.1","port":5000,"srtpParameters":{"cryptoSuite":"AEAD_AES_128_GCM","keyBase64":"AAAA"}}""", 409)]
    [InlineData("POST", "/admin/transports/{t}/connect", "{}", 409)]
    [InlineData("POST", "/admin/transports/{t}/producers", """{"kind":"smell","rtpParameters":{}}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/producers", """{"kind":"audio"}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/producers", """{"kind":"audio","rtpParameters":{"codecs":[]}}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/producers", """{"kind":"audio","id":"","rtpParameters":{}}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/consumers", "{}", 400)]
    [InlineData("POST", "/admin/transports/{t}/consumers", """{"producerId":"none"}""", 404)]
    [InlineData("POST", "/admin/transports/{t}/consumers", """{"producerId":"none","rtpCapabilities":7}""", 400)]
    [InlineData("POST", "/admin/transports/{t}/consumers/none/pause", null, 404)]
    [InlineData("POST", "/admin/transports/{t}/producers/none/resume", null, 404)]
    [InlineData("DELETE", "/admin/transports/{t}/consumers/none", null, 404)]
    [InlineData("GET", "/admin/transports/{t}/sdp", null, 409)]
    [InlineData("GET", "/admin/transports/none/sdp", null, 404)]
    public async Task Request_ThatIsWrong_IsAnsweredWithAProblem(string method, string path, string? body, int status)
    {
        await _admin.PostAsync("/admin/routers", """{"id":"r"}""");
        var plain = await _admin.PostAsync("/admin/routers/r/plain-transports");

        var answer = await _admin.SendAsync(new HttpMethod(method), path.Replace("{t}", Id(plain), StringComparison.Ordinal), body);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.NotEmpty(problem.RootElement.GetProperty("detail").GetString()!);
    }

    [Fact]
    public async Task Body_ThatIsTooLong_IsRefused()
    {
        var answer = await _admin.SendAsync(HttpMethod.Post, "/admin/routers", $$"""{"id":"{{new string('a', 70_000)}}"}""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Admin_IsForProgramsOfThisMachine_AtTheNodesOwnPort()
    {
        Assert.Equal(HttpStatusCode.OK, (await _admin.SendAsync(HttpMethod.Get, "/admin/routers")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _admin.SendAsync(HttpMethod.Get, "/admin/routers", url: _admin.PublicUrl)).StatusCode);
        foreach (var header in new[] { "Origin", "X-Forwarded-For", "Forwarded" })
        {
            var answer = await _admin.SendAsync(HttpMethod.Get, "/admin/routers", change: r => r.Headers.TryAddWithoutValidation(header, "for=10.0.0.1"));
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Admin_WithAToken_IsForWhoeverHasIt()
    {
        var token = new string('t', 40);
        await using var guarded = await AdminNode.StartAsync(token);

        Assert.Equal(HttpStatusCode.Unauthorized, (await guarded.SendAsync(HttpMethod.Get, "/admin/routers")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await guarded.SendAsync(HttpMethod.Get, "/admin/routers", change: r => Bear(r, token + "x"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await guarded.SendAsync(HttpMethod.Get, "/admin/routers", change: r => Bear(r, token))).StatusCode);

        static void Bear(HttpRequestMessage request, string token) => request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
    }

    private static string Id(JsonElement json) => json.GetProperty("id").GetString()!;

    private static int Port(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static Socket Open()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static byte[] Rtp(uint ssrc, ushort sequence)
    {
        var packet = new byte[60];
        packet[0] = 0x80;
        packet[1] = 100;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), sequence);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), sequence * 960u);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(8), ssrc);
        packet[12] = 0x78;
        return packet;
    }
}
