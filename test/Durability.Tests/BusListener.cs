using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Browser.Tests;

namespace VoiceCluster.Durability.Tests;

/// <summary>A nats-server of the test's own, and a consumer that keeps what is published about calls, in order.</summary>
internal sealed class BusListener : IAsyncDisposable
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly List<OutboxEvent> _heard = [];
    private readonly int _port = FreePorts.Tcp();
    private Process? _server;
    private TcpClient? _connection;
    private Task _reading = Task.CompletedTask;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"nats://127.0.0.1:{_port}");

    /// <summary>What was heard so far, repetitions included.</summary>
    public OutboxEvent[] Heard
    {
        get
        {
            lock (_gate)
            {
                return [.. _heard];
            }
        }
    }

    public static async Task<BusListener> StartAsync()
    {
        BusListener listener = new();
        listener._server = Process.Start(new ProcessStartInfo(
            "nats-server", ["-a", "127.0.0.1", "-p", listener._port.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardError = true,
        })!;
        _ = listener._server.StandardError.ReadToEndAsync();
        using CancellationTokenSource deadline = new(StartDeadline);
        while (!await listener.TryConnectAsync())
        {
            await Task.Delay(20, deadline.Token);
        }

        return listener;
    }

    public async ValueTask DisposeAsync()
    {
        _connection?.Dispose();
        await _reading;
        if (_server is not null)
        {
            _server.Kill();
            await _server.WaitForExitAsync();
            _server.Dispose();
        }
    }

    private async Task<bool> TryConnectAsync()
    {
        TcpClient connection = new();
        try
        {
            await connection.ConnectAsync(IPAddress.Loopback, _port);
        }
        catch (SocketException)
        {
            connection.Dispose();
            return false;
        }

        _connection = connection;
        TaskCompletionSource subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await connection.GetStream().WriteAsync("CONNECT {\"verbose\":false}\r\nSUB call.> 1\r\nPING\r\n"u8.ToArray());
        _reading = ReadAsync(connection.GetStream(), subscribed);
        await subscribed.Task.WaitAsync(StartDeadline);
        return true;
    }

    /// <summary>The client protocol of NATS, as far as a subscriber meets it: INFO, PING, PONG and MSG.</summary>
    private async Task ReadAsync(NetworkStream stream, TaskCompletionSource subscribed)
    {
        try
        {
            while (true)
            {
                var words = (await ReadLineAsync(stream)).Split(' ');
                switch (words[0])
                {
                    case "PONG":
                        subscribed.TrySetResult();
                        break;
                    case "PING":
                        await stream.WriteAsync("PONG\r\n"u8.ToArray());
                        break;
                    case "MSG":
                        var payload = new byte[int.Parse(words[^1], CultureInfo.InvariantCulture) + 2];
                        await stream.ReadExactlyAsync(payload);
                        Keep(words[1], payload.AsMemory(0, payload.Length - 2));
                        break;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            subscribed.TrySetException(e);
        }
    }

    private void Keep(string subject, ReadOnlyMemory<byte> payload)
    {
        using var json = System.Text.Json.JsonDocument.Parse(payload);
        OutboxEvent heard = new(json.RootElement.GetProperty("id").GetGuid(), subject, json.RootElement.GetProperty("key").GetString()!, payload);
        lock (_gate)
        {
            _heard.Add(heard);
        }
    }

    private static async Task<string> ReadLineAsync(NetworkStream stream)
    {
        StringBuilder line = new();
        var one = new byte[1];
        while (true)
        {
            await stream.ReadExactlyAsync(one);
            switch (one[0])
            {
                case (byte)'\n':
                    return line.ToString();
                case not (byte)'\r':
                    line.Append((char)one[0]);
                    break;
            }
        }
    }
}
