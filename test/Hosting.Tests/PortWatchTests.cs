using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.Hosting.Tests;

/// <summary>What a watched port says of its process.</summary>
public sealed class PortWatchTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PortWatch _watch = new(TimeProvider.System, NullLogger<PortWatch>.Instance);

    [Fact]
    public async Task Process_Ends_IsToldOnce()
    {
        var (listener, port) = Listen(0);
        using var watching = Watch(port);
        var connection = await listener.AcceptSocketAsync().WaitAsync(Deadline);
        Assert.False(_ended.Task.IsCompleted);

        // In this order the system closes what a killed process had: whoever connects in between is cut off as well.
        connection.Dispose();
        listener.Stop();

        await _ended.Task.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Connection_IsClosedButThePortIsOpen_IsConnectedAgainAndNotTold()
    {
        var (listener, port) = Listen(0);
        using (listener)
        {
            using var watching = Watch(port);
            for (var i = 0; i < 3; i++)
            {
                (await listener.AcceptSocketAsync().WaitAsync(Deadline)).Dispose();
            }

            using var last = await listener.AcceptSocketAsync().WaitAsync(Deadline);
            Assert.False(_ended.Task.IsCompleted);
        }
    }

    [Fact]
    public async Task Port_ThatWasNeverOpen_IsNotToldUntilItWas()
    {
        // Perhaps it cannot be reached from here at all: then a refusal says nothing.
        var (taken, port) = Listen(0);
        taken.Stop();
        using var watching = Watch(port);

        var (listener, _) = Listen(port);
        var connection = await listener.AcceptSocketAsync().WaitAsync(Deadline);
        Assert.False(_ended.Task.IsCompleted);
        connection.Dispose();
        listener.Stop();
        await _ended.Task.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Watch_IsDisposed_ClosesItsConnectionAndTellsNothing()
    {
        var (listener, port) = Listen(0);
        var watching = Watch(port);
        using var connection = await listener.AcceptSocketAsync().WaitAsync(Deadline);

        watching.Dispose();

        Assert.Equal(0, await connection.ReceiveAsync(new byte[1]).WaitAsync(Deadline));
        listener.Stop();
        Assert.False(_ended.Task.IsCompleted);
    }

    private static (TcpListener Listener, int Port) Listen(int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        return (listener, ((IPEndPoint)listener.LocalEndpoint).Port);
    }

    private IDisposable Watch(int port) => _watch.Watch(new Uri($"http://127.0.0.1:{port}"), _ended.SetResult);
}
