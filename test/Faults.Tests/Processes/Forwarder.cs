using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>Makes a server of 127.0.0.1 reachable at another address, and hangs it when it is told to.</summary>
internal sealed class Forwarder : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly int _port;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;
    private readonly Lock _lock = new();
    private volatile TaskCompletionSource _open = Opened();
    private int _hangs;

    public Forwarder(IPAddress address, int port)
    {
        _listener = new TcpListener(address, 0);
        _listener.Start();
        _port = port;
        _run = RunAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Nothing passes, in either direction, until it is told to go on, as often as it was told to hang.</summary>
    public void Hang()
    {
        lock (_lock)
        {
            // What waits already must not be left behind.
            if (_hangs++ == 0)
            {
                _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    /// <summary>One reason to hang is over. After the last everything passes again, also what came meanwhile.</summary>
    public void GoOn()
    {
        lock (_lock)
        {
            if (_hangs > 0 && --_hangs == 0)
            {
                _open.SetResult();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _listener.Dispose();
        _stop.Dispose();
    }

    private static TaskCompletionSource Opened()
    {
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        open.SetResult();
        return open;
    }

    private async Task RunAsync()
    {
        var links = new List<Task>();
        try
        {
            while (true)
            {
                links.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
                links.RemoveAll(l => l.IsCompleted);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(links);
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var _ = client;
        using var server = new TcpClient { NoDelay = true };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _port, CancellationToken.None);
        }
        catch (SocketException)
        {
            // The server is down: the client's connection ends too.
            return;
        }

        await Task.WhenAll(CopyAsync(client.GetStream(), server.GetStream(), end), CopyAsync(server.GetStream(), client.GetStream(), end));
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, CancellationTokenSource end)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, end.Token)) > 0)
            {
                await _open.Task.WaitAsync(end.Token);
                await to.WriteAsync(buffer.AsMemory(0, count), end.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One side is gone; the other follows.
        }

        await end.CancelAsync();
    }
}
