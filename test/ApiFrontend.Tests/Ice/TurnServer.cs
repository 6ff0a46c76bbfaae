using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.ApiFrontend.Tests.Ice;

/// <summary>A real coturn of the tests' own, with the configuration that deploy/coturn ships, on a free port of 127.0.0.1.</summary>
public sealed class TurnServer : IAsyncLifetime
{
    public const string Secret = "shared between coturn and the frontend";

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-coturn-").FullName;
    private readonly int _port = FreePort();
    private Process? _process;

    public async Task InitializeAsync()
    {
        var configuration = Path.Combine(Root(), "deploy", "coturn", "turnserver.conf");
        _process = Process.Start(new ProcessStartInfo("turnserver",
        [
            "-c", configuration,
            "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
            "--listening-port", _port.ToString(CultureInfo.InvariantCulture),
            "--static-auth-secret", Secret,
            "--no-tls", "--no-dtls", "--no-tcp", "--simple-log",
            "--log-file", Path.Combine(_folder, "log"), "--pidfile", Path.Combine(_folder, "pid"), "--userdb", Path.Combine(_folder, "users"),
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("coturn did not start.");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        // It listens when it answers.
        using CancellationTokenSource deadline = new(Deadline);
        using var client = Connect();
        while (await TryExchangeAsync(client, Allocate([])) is null)
        {
            Assert.False(_process.HasExited, "coturn has ended.");
            deadline.Token.ThrowIfCancellationRequested();
        }
    }

    public async Task DisposeAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Asks for an allocation as a browser does (RFC 8656 §6.2); 0 for success, else the error code.</summary>
    public async Task<int> AllocateAsync(string username, string password)
    {
        // coturn's nonces hold for one address of the client.
        using var client = Connect();
        var challenge = await ExchangeAsync(client, Allocate([]));
        Assert.Equal(401, ErrorOf(challenge));
        var realm = Find(challenge, 0x0014) ?? throw new InvalidOperationException("No realm.");
        var nonce = Find(challenge, 0x0015) ?? throw new InvalidOperationException("No nonce.");

        // RFC 8489 §9.2.2: the key is MD5 of username:realm:password.
        var key = MD5.HashData(Encoding.UTF8.GetBytes($"{username}:{Encoding.UTF8.GetString(realm)}:{password}"));
        var request = Allocate([(0x0006, Encoding.UTF8.GetBytes(username)), (0x0014, realm), (0x0015, nonce)]);

        // RFC 8489 §14.5: the length counts the attribute that is to come.
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(2), (ushort)(request.Length - 20 + 24));
        var mac = HMACSHA1.HashData(key, request);
        var answer = await ExchangeAsync(client, [.. request, 0x00, 0x08, 0x00, 0x14, .. mac]);
        return BinaryPrimitives.ReadUInt16BigEndian(answer) == 0x0103 ? 0 : ErrorOf(answer);
    }

    private static byte[] Allocate((ushort Type, byte[] Value)[] attributes)
    {
        List<byte> body = [];
        foreach (var (type, value) in attributes.Prepend(((ushort)0x0019, [17, 0, 0, 0])))
        {
            body.AddRange([(byte)(type >> 8), (byte)type, (byte)(value.Length >> 8), (byte)value.Length]);
            body.AddRange(value);
            body.AddRange(new byte[(4 - (value.Length % 4)) % 4]);
        }

        return [0x00, 0x03, (byte)(body.Count >> 8), (byte)body.Count, 0x21, 0x12, 0xA4, 0x42, .. RandomNumberGenerator.GetBytes(12), .. body];
    }

    private static byte[]? Find(byte[] message, ushort wanted)
    {
        for (var at = 20; at + 4 <= message.Length;)
        {
            var type = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at));
            var length = BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at + 2));
            if (type == wanted)
            {
                return message.AsSpan(at + 4, length).ToArray();
            }

            at += 4 + ((length + 3) & ~3);
        }

        return null;
    }

    private static int ErrorOf(byte[] message) => Find(message, 0x0009) is { } code ? (code[2] * 100) + code[3] : -1;

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orleans.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The repository was not found.");
        }

        return folder;
    }

    private static async Task<byte[]> ExchangeAsync(UdpClient client, byte[] request)
    {
        using CancellationTokenSource deadline = new(Deadline);
        while (true)
        {
            if (await TryExchangeAsync(client, request) is { } answer)
            {
                return answer;
            }

            deadline.Token.ThrowIfCancellationRequested();
        }
    }

    private UdpClient Connect()
    {
        UdpClient client = new(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(IPAddress.Loopback, _port);
        return client;
    }

    private static async Task<byte[]?> TryExchangeAsync(UdpClient client, byte[] request)
    {
        using CancellationTokenSource patience = new(Patience);
        try
        {
            await client.SendAsync(request, patience.Token);
            return (await client.ReceiveAsync(patience.Token)).Buffer;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return null;
        }
    }
}
