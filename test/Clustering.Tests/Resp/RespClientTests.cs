using System.Net;
using System.Net.Sockets;
using System.Text;
using VoiceCluster.Clustering.Resp;

namespace VoiceCluster.Clustering.Tests.Resp;

public sealed class RespClientTests(RedisServer server) : IClassFixture<RedisServer>
{
    [Fact]
    public async Task Commands_OfManyAtOnce_EachGetTheirOwnAnswerOverOneConnection()
    {
        await using var client = server.Connect();
        var id = (await client.ExecuteAsync(true, "CLIENT", "ID")).Integer;
        var answers = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i => client.ExecuteAsync(true, "ECHO", $"{i}"))).InTime();
        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => $"{i}"), answers.Select(a => a.Text));
        Assert.Equal(id, (await client.ExecuteAsync(true, "CLIENT", "ID")).Integer);
    }

    [Fact]
    public async Task Value_LargerThanAnyBuffer_ComesBackWhole()
    {
        await using var client = server.Connect();
        var large = new string('ü', 1_500_000);
        Assert.Equal(large, (await client.ExecuteAsync(true, "ECHO", large)).Text);
    }

    [Fact]
    public async Task Answer_ThatIsAnError_IsThrownAndTheConnectionGoesOn()
    {
        await using var client = server.Connect();
        var id = (await client.ExecuteAsync(true, "CLIENT", "ID")).Integer;
        var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "NONSENSE"));
        Assert.False(error.IsConnectionLost);
        Assert.Contains("unknown command", error.Message, StringComparison.Ordinal);
        Assert.Equal(id, (await client.ExecuteAsync(true, "CLIENT", "ID")).Integer);
    }

    [Fact]
    public async Task Login_ByHello_SpeaksResp3AndHasAName()
    {
        await using var client = server.Connect();
        var info = (await client.ExecuteAsync(true, "CLIENT", "INFO")).Text;
        Assert.Contains("name=voicecluster ", info, StringComparison.Ordinal);
        Assert.Contains("resp=3", info, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_IsSelected()
    {
        await using var third = server.Connect(a => a with { Database = 3 });
        await using var first = server.Connect();
        await third.ExecuteAsync(true, "SET", "where", "3");
        Assert.Equal("3", (await third.ExecuteAsync(true, "GET", "where")).Text);
        Assert.Equal(RespKind.Null, (await first.ExecuteAsync(true, "GET", "where")).Kind);
    }

    [Fact]
    public async Task Server_WithoutHello_IsSpokenToInResp2()
    {
        await using var old = await RedisServer.StartAsync("--save", "", "--requirepass", "secret", "--rename-command", "HELLO", "");
        await using var client = old.Connect(a => a with { Password = "secret", Database = 1 });
        Assert.Equal(1, (await client.ExecuteAsync(true, "HSET", "h", "a", "1")).Integer);
        Assert.Equal(["a", "1"], (await client.ExecuteAsync(true, "HGETALL", "h")).Items.Select(i => i.Text));
        Assert.Contains(" db=1 ", (await client.ExecuteAsync(true, "CLIENT", "LIST")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "secret", true)]
    [InlineData("silo", "other", true)]
    [InlineData(null, null, false)]
    [InlineData(null, "other", false)]
    [InlineData("silo", "secret", false)]
    [InlineData("nobody", "secret", false)]
    public async Task Login_WithUserAndPassword_IsAsTheServerSays(string? user, string? password, bool isLetIn)
    {
        await using var guarded = await RedisServer.StartAsync("--save", "", "--requirepass", "secret", "--user", "silo", "on", ">other", "~*", "+@all");
        await using var client = guarded.Connect(a => a with { User = user, Password = password });
        if (isLetIn)
        {
            Assert.Equal(user ?? "default", (await client.ExecuteAsync(true, "ACL", "WHOAMI")).Text);
        }
        else
        {
            var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "ACL", "WHOAMI").InTime());
            Assert.Matches("WRONGPASS|NOAUTH", error.Message);
            Assert.DoesNotContain("secret", error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Login_AfterThePasswordWasSetRight_WorksWithTheNextCall()
    {
        await using var guarded = await RedisServer.StartAsync("--save", "", "--user", "silo", "on", ">other", "~*", "+@all");
        await using var administrator = guarded.Connect();
        await using var client = guarded.Connect(a => a with { User = "silo", Password = "changed" });
        await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "PING").InTime());
        await administrator.ExecuteAsync(true, "ACL", "SETUSER", "silo", ">changed");
        Assert.Equal("PONG", (await client.ExecuteAsync(true, "PING")).Text);
    }

    [Fact]
    public async Task Database_ThatDoesNotExist_IsRefused()
    {
        await using var client = server.Connect(a => a with { Database = 9_999 });
        var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "PING").InTime());
        Assert.Contains("DB index is out of range", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repetition_OfWhatMayNotBeRepeated_DoesNotHappen()
    {
        await using var proxy = new CuttingProxy(server.Address);
        await using var client = server.Connect(_ => proxy.Address);
        await client.ExecuteAsync(true, "DEL", "count");
        proxy.Arm();
        var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(false, "INCR", "count"));
        Assert.True(error.IsConnectionLost);
        Assert.Equal("1", (await client.ExecuteAsync(true, "GET", "count")).Text);
    }

    [Fact]
    public async Task Server_ThatSpeaksAnotherProtocol_FailsClearly()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serve = ServeAsync(listener, "HTTP/1.1 400 Bad Request\r\n\r\n");
        await using (var client = server.Connect(
            a => a with { Port = ((IPEndPoint)listener.LocalEndpoint).Port }, o => o with { CommandTimeout = TimeSpan.FromSeconds(2) }))
        {
            var error = await Assert.ThrowsAsync<RespException>(() => client.ExecuteAsync(true, "PING").InTime());
            Assert.Contains("does not speak the Redis protocol", error.Message, StringComparison.Ordinal);
        }

        listener.Stop();
        await serve;
    }

    [Fact]
    public async Task Client_Disposed_EndsItsCallsAndItsConnection()
    {
        var client = server.Connect();
        await client.ExecuteAsync(true, "PING");
        await server.FreezeAsync();
        var call = client.ExecuteAsync(false, "PING");
        await client.DisposeAsync().AsTask().InTime();
        await server.ThawAsync();
        await Assert.ThrowsAsync<RespException>(() => call.InTime());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.ExecuteAsync(true, "PING"));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Client_DisposedWhileItConnects_Ends()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var client = server.Connect(a => a with { Port = ((IPEndPoint)silent.LocalEndpoint).Port });
        var call = client.ExecuteAsync(true, "PING");
        await client.DisposeAsync().AsTask().InTime();
        await Assert.ThrowsAsync<RespException>(() => call.InTime());
    }

    private static async Task ServeAsync(TcpListener listener, string answer)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The test is over.
        }
    }
}
