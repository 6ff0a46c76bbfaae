using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Clustering.Tests;

/// <summary>Passes bytes between clients and a server; when armed, it takes the server's next answer and cuts its client off instead.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly RedisAddress _server;
    private readonly Task _run;
    private int _cuts;

    public CuttingProxy(RedisAddress server)
    {
        _server = server;
        _listener.Start();
        Address = server with { Port = ((IPEndPoint)_listener.LocalEndpoint).Port };
        _run = RunAsync();
    }

    /// <summary>Where clients connect.</summary>
    public RedisAddress Address { get; }

    /// <summary>How many clients were cut off.</summary>
    public int Cut { get; private set; }

    /// <summary>Cuts the next answers off.</summary>
    public void Arm(int answers = 1) => Volatile.Write(ref _cuts, answers);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var links = new List<Task>();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                links.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        await Task.WhenAll(links);
    }

    private async Task PassAsync(TcpClient client)
    {
        using var _ = client;
        using var server = new TcpClient();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await server.ConnectAsync(_server.Host, _server.Port, end.Token);
        var up = CopyAsync(client.GetStream(), server.GetStream(), canCut: false, end);
        var down = CopyAsync(server.GetStream(), client.GetStream(), canCut: true, end);
        await Task.WhenAll(up, down);
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, bool canCut, CancellationTokenSource end)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReadAsync(buffer, end.Token)) > 0)
            {
                if (canCut && Volatile.Read(ref _cuts) > 0)
                {
                    Interlocked.Decrement(ref _cuts);
                    Cut++;
                    break;
                }

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
