using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Standalone.Tests;

/// <summary>A real coturn on a free port of 127.0.0.1, with one shared secret.</summary>
internal sealed class TurnServer : IAsyncDisposable
{
    public const string Secret = "a secret between the doctor's server and coturn";

    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("voicecluster-turn-").FullName;
    private readonly Process _process;

    private TurnServer(int port)
    {
        Port = port;
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("turnserver",
            [
                "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--no-multicast-peers", "--allow-loopback-peers",
                "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"--listening-port={port}"),
                "--use-auth-secret", $"--static-auth-secret={Secret}", "--realm=voicecluster.test",
                $"--pidfile={Path.Combine(_folder, "pid")}", $"--userdb={Path.Combine(_folder, "users.db")}", "--log-file=stdout",
            ])
            {
                WorkingDirectory = _folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
    }

    public int Port { get; }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"turn:127.0.0.1:{Port}");

    public static async Task<TurnServer> StartAsync()
    {
        TurnServer server = new(DoctorRun.UdpPort());
        server._process.Start();
        server._process.BeginOutputReadLine();
        server._process.BeginErrorReadLine();
        try
        {
            await server.AnswersAsync();
        }
        catch (OperationCanceledException)
        {
            await server.DisposeAsync();
            throw new TimeoutException($"coturn did not answer within {StartDeadline}.");
        }

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Waits until it answers a STUN binding request, which is a header alone (RFC 8489 §5).</summary>
    private async Task AnswersAsync()
    {
        byte[] request = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, .. "voicecluster"u8];
        using CancellationTokenSource deadline = new(StartDeadline);
        while (true)
        {
            using UdpClient client = new(new IPEndPoint(IPAddress.Loopback, 0));
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token);
            patience.CancelAfter(TimeSpan.FromMilliseconds(200));
            try
            {
                await client.SendAsync(request, new IPEndPoint(IPAddress.Loopback, Port), patience.Token);
                await client.ReceiveAsync(patience.Token);
                return;
            }
            catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !deadline.IsCancellationRequested))
            {
                await Task.Delay(50, deadline.Token);
            }
        }
    }
}
