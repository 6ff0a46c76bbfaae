using System.Net;
using System.Net.Sockets;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.TestingHost;

/// <summary>Connections in memory behave as those of TCP.</summary>
public sealed class MemoryStreamsTests
{
    private static readonly IPEndPoint AnyPort = new(IPAddress.Loopback, 0);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Connect_WhereNobodyListens_IsRefused()
    {
        var network = new MemoryTransport();
        using var bound = network.Bind(AnyPort);
        var closed = network.Bind(AnyPort);
        closed.Listen(1);
        closed.Dispose();

        foreach (var endpoint in (IPEndPoint[])[bound.Endpoint, closed.Endpoint, new IPEndPoint(IPAddress.Loopback, 60_000)])
        {
            var e = await Assert.ThrowsAsync<SocketException>(async () => await network.ConnectAsync(endpoint, CancellationToken.None));
            Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
        }
    }

    [Fact]
    public void Bind_OfATakenEndpoint_Fails()
    {
        var network = new MemoryTransport();
        using var listener = network.Bind(AnyPort);

        var e = Assert.Throws<SocketException>(() => network.Bind(listener.Endpoint));

        Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
    }

    [Fact]
    public async Task Listener_ThatCloses_EndsConnectionsThatNobodyHasAccepted()
    {
        var network = new MemoryTransport();
        var listener = network.Bind(AnyPort);
        listener.Listen(10);
        await using var waiting = await network.ConnectAsync(listener.Endpoint, CancellationToken.None);
        listener.Dispose();

        Assert.Equal(0, await waiting.ReadAsync(new byte[1]).AsTask().WaitAsync(Deadline));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await listener.AcceptAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Bytes_OfAllLengths_ArriveInOrderInBothDirections()
    {
        var (near, far) = MemoryStreams.MakePair();
        await Task.WhenAll(CopyAsync(near, far, 1), CopyAsync(far, near, 2)).WaitAsync(Deadline);

        static async Task CopyAsync(Stream from, Stream to, int seed)
        {
            var random = new Random(seed);
            var sent = new byte[3 * MemoryStreams.Capacity];
            random.NextBytes(sent);
            var writing = Task.Run(async () =>
            {
                var pieces = new Random(seed);
                for (var at = 0; at < sent.Length;)
                {
                    var length = Math.Min(sent.Length - at, pieces.Next(1, 100_000));
                    await from.WriteAsync(sent.AsMemory(at, length));
                    at += length;
                }
            });
            var received = new byte[sent.Length];
            for (var at = 0; at < received.Length;)
            {
                at += await to.ReadAsync(received.AsMemory(at, Math.Min(received.Length - at, random.Next(1, 70_000))));
            }

            await writing;
            Assert.True(sent.AsSpan().SequenceEqual(received));
        }
    }

    [Fact]
    public async Task Write_AheadOfAReaderThatDoesNotRead_Waits()
    {
        var (near, far) = MemoryStreams.MakePair();
        await near.WriteAsync(new byte[MemoryStreams.Capacity]);
        var more = near.WriteAsync(new byte[1]).AsTask();
        Assert.False(more.IsCompleted);

        await far.ReadExactlyAsync(new byte[1]);

        await more.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Close_OfOneEnd_LetsTheOtherReadTheRestAndWriteNoMore()
    {
        var (near, far) = MemoryStreams.MakePair();
        await near.WriteAsync("rest"u8.ToArray());
        await near.DisposeAsync();

        var rest = new byte[4];
        await far.ReadExactlyAsync(rest);
        Assert.Equal("rest"u8.ToArray(), rest);
        Assert.Equal(0, await far.ReadAsync(rest));
        await Assert.ThrowsAsync<IOException>(async () => await far.WriteAsync(rest));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await near.WriteAsync(rest));
    }

    [Fact]
    public async Task Close_OfAnEndThatHasNotReadAll_ResetsTheConnection()
    {
        var (near, far) = MemoryStreams.MakePair();
        await far.WriteAsync(new byte[10]);
        await near.DisposeAsync();

        var e = await Assert.ThrowsAsync<IOException>(async () => await far.ReadExactlyAsync(new byte[1]));

        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Close_WhileTheSameEndReadsAndTheOtherWrites_EndsBoth()
    {
        var (near, far) = MemoryStreams.MakePair();
        await near.WriteAsync(new byte[MemoryStreams.Capacity]);
        var writing = near.WriteAsync(new byte[1]).AsTask();
        var reading = near.ReadAsync(new byte[1]).AsTask();

        await near.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => writing.WaitAsync(Deadline));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(Deadline));
        await far.DisposeAsync();
    }
}
