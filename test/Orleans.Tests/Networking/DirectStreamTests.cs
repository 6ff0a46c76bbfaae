using System.Net;
using System.Net.Sockets;
using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Networking;

/// <summary>A TCP connection that is read and written past the runtime's socket engine.</summary>
public sealed class DirectStreamTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private DirectStream _stream = null!;
    private Socket _other = null!;

    public async Task InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var time = new CancellationTokenSource(Deadline);
        _stream = Assert.IsType<DirectStream>(await SocketTransport.Direct.ConnectAsync((IPEndPoint)listener.LocalEndpoint, time.Token));
        _other = await listener.AcceptSocketAsync(time.Token);
    }

    public Task DisposeAsync()
    {
        _stream.Dispose();
        _other.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Bytes_InPiecesOfAnyLength_ComeInOrder()
    {
        var random = new Random(1);
        var sent = new byte[1 << 20];
        random.NextBytes(sent);
        var reading = OnAThread(() => ReadToEnd());
        for (var at = 0; at < sent.Length;)
        {
            var length = Math.Min(random.Next(1, 5_000), sent.Length - at);
            await _other.SendAsync(sent.AsMemory(at, length));
            at += length;
        }

        _other.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, await reading.WaitAsync(Deadline));
    }

    [Fact]
    public void Read_WhenNothingHasCome_SaysSo() => Assert.Equal(-1, _stream.TryRead(new byte[10]));

    [Fact]
    public async Task Wait_WhenTheOtherSideCloses_EndsAndThereIsTheEnd()
    {
        var reading = OnAThread(() => ReadToEnd());
        _other.Close();
        Assert.Empty(await reading.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Wait_WhenTheOtherSideIsKilled_EndsWithAnError()
    {
        // What the system sends for a process that has ended with bytes unread: a reset.
        var reading = OnAThread(() => ReadToEnd());
        _other.LingerState = new LingerOption(enable: true, seconds: 0);
        _other.Close();
        await Assert.ThrowsAsync<IOException>(() => reading.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Wait_WhenItIsClosedHere_Ends()
    {
        var reading = OnAThread(() => ReadToEnd());
        await Task.Yield();
        _stream.Dispose();
        var failure = await Record.ExceptionAsync(() => reading.WaitAsync(Deadline));
        Assert.True(failure is null or IOException or ObjectDisposedException, failure?.ToString());
    }

    [Fact]
    public async Task Write_WhenTheOtherSideDoesNotRead_WaitsAndThenGoesOn()
    {
        var sent = new byte[64 << 20];
        new Random(2).NextBytes(sent);
        var writing = _stream.WriteAsync(sent).AsTask();
        Assert.False(writing.IsCompleted);

        var received = new byte[sent.Length];
        for (var at = 0; at < received.Length;)
        {
            at += await _other.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(Deadline);
        }

        await writing.WaitAsync(Deadline);
        Assert.True(sent.AsSpan().SequenceEqual(received));
    }

    [Fact]
    public async Task Write_WhenItIsClosedMeanwhile_Fails()
    {
        var writing = _stream.WriteAsync(new byte[64 << 20]).AsTask();
        Assert.False(writing.IsCompleted);
        _stream.Dispose();
        var failure = await Record.ExceptionAsync(() => writing.WaitAsync(Deadline));
        Assert.True(failure is IOException or ObjectDisposedException, failure?.ToString());
    }

    [Fact]
    public async Task Read_OfAHandshake_CanBeCancelled()
    {
        using var stop = new CancellationTokenSource();
        var reading = _stream.ReadAsync(new byte[1], stop.Token).AsTask();
        Assert.False(reading.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading.WaitAsync(Deadline));
    }

    [Fact]
    public async Task Connect_WhereNobodyListens_Fails()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var endpoint = (IPEndPoint)free.LocalEndpoint;
        free.Stop();
        await Assert.ThrowsAsync<SocketException>(() => SocketTransport.Direct.ConnectAsync(endpoint, CancellationToken.None).AsTask().WaitAsync(Deadline));
    }

    [Fact]
    public async Task Connect_WhereNobodyAnswers_CanBeCancelled()
    {
        // A full queue of connections that nobody accepts: the system does not answer the next one.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var endpoint = (IPEndPoint)listener.LocalEndPoint!;
        using var stop = new CancellationTokenSource();
        var connecting = Enumerable.Range(0, 4).Select(_ => SocketTransport.Direct.ConnectAsync(endpoint, stop.Token).AsTask()).ToArray();
        await Eventually.HoldsAsync(() => connecting.Any(c => c.IsCompletedSuccessfully), "one has found room in the queue");
        await stop.CancelAsync();
        foreach (var attempt in connecting)
        {
            if (await Record.ExceptionAsync(() => attempt.WaitAsync(Deadline)) is { } failure)
            {
                Assert.IsAssignableFrom<OperationCanceledException>(failure);
            }
            else
            {
                await (await attempt).DisposeAsync();
            }
        }
    }

    private byte[] ReadToEnd()
    {
        var all = new MemoryStream();
        var buffer = new byte[1_000];
        while (true)
        {
            switch (_stream.TryRead(buffer))
            {
                case 0:
                    return all.ToArray();
                case -1:
                    _stream.WaitToRead();
                    break;
                case var read:
                    all.Write(buffer, 0, read);
                    break;
            }
        }
    }

    private static Task<T> OnAThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
