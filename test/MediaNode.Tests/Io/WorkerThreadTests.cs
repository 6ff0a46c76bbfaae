using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Tests.Io;

public sealed class WorkerThreadTests : IAsyncDisposable
{
    private const int BufferBytes = 4 * 1024 * 1024;

    private readonly DtlsContext _dtls = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
    private readonly List<WorkerThread> _threads = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var thread in _threads)
        {
            await thread.DisposeAsync();
        }

        _dtls.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Conversation_OverLoopback_EveryPacketArrives(bool portable)
    {
        var thread = Start(portable);
        var (alice, bob) = await ConnectAsync(thread);
        using var first = alice;
        using var second = bob;

        var packet = Opus();
        for (var i = 0; i < 500; i++)
        {
            Number(packet, i);
            Assert.True(alice.Rtc.SendRtp(packet));
            var sent = i;
            SocketClient.RunUntil(() => bob.RtpReceived > sent - 50, alice, bob);
        }

        SocketClient.RunUntil(() => bob.RtpReceived == 500, alice, bob);
        Assert.Equal(0, alice.RtpReceived);
        Assert.True(thread.IsAlive);
        Assert.Equal(0, thread.Socket.SendFailures);
    }

    [Fact]
    public async Task Thread_WithAProcessor_RunsOnThatOneOnly()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var last = AllowedProcessors("/proc/self/status").Split(',', '-')[^1];
        var thread = Start(portable: false, int.Parse(last, System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(last, await thread.InvokeAsync((_, _) => AllowedProcessors("/proc/thread-self/status")));
    }

    [Fact]
    public async Task Thread_WithAProcessorThatIsNotThere_RunsAllTheSame()
    {
        var thread = Start(portable: false, ThreadAffinity.MaxProcessors - 1);

        Assert.True(await thread.InvokeAsync((_, _) => true));
    }

    [Fact]
    public async Task Forwarding_OverTheLinuxLoop_AllocatesNothingPerPacket()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const int packets = 20_000;
        var thread = Start(portable: false);
        var (alice, bob) = await ConnectAsync(thread);
        using var first = alice;
        using var second = bob;
        var packet = Opus();
        long before = 0;
        for (var i = 0; i < packets + 1_000; i++)
        {
            if (i == 1_000)
            {
                SocketClient.RunUntil(() => bob.RtpReceived == 1_000, alice, bob);
                before = await thread.InvokeAsync((_, _) => Allocations.Begin());
            }

            Number(packet, i);
            alice.Rtc.SendRtp(packet);
            if (i % 50 == 49)
            {
                var sent = i;
                SocketClient.RunUntil(() => bob.RtpReceived > sent, alice, bob);
            }
        }

        var after = await thread.InvokeAsync((_, _) => GC.GetAllocatedBytesForCurrentThread());

        // The two commands themselves allocate their completion; a byte a packet would be 20,000.
        Assert.InRange(after - before, 0, 4_096);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeAsync_ManyCallers_AllRunOnTheOneThread(bool portable)
    {
        var thread = Start(portable);
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var seen = new HashSet<int>();
            for (var i = 0; i < 200; i++)
            {
                seen.Add(await thread.InvokeAsync((_, _) => Environment.CurrentManagedThreadId));
            }

            return seen;
        })));

        Assert.Single(ids.SelectMany(i => i).Distinct());
    }

    [Fact]
    public async Task InvokeAsync_CommandThrows_IsTheTasksExceptionAndTheThreadLives()
    {
        var thread = Start(portable: false);

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => thread.InvokeAsync<int>((_, _) => throw new InvalidTimeZoneException()));

        Assert.Equal(3, await thread.InvokeAsync((_, _) => 3));
    }

    [Fact]
    public async Task InvokeAsync_AfterTheEnd_IsCanceled()
    {
        var thread = Start(portable: false);
        await thread.DisposeAsync();

        await Assert.ThrowsAsync<TaskCanceledException>(() => thread.InvokeAsync((_, _) => 3));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Garbage_OfEveryLength_IsCountedAndHarmless(bool portable)
    {
        var thread = Start(portable);
        using var stranger = new UdpClient(AddressFamily.InterNetwork);
        var random = new Random(3);
        var sent = 0;
        foreach (var length in Enumerable.Range(0, 64).Concat([500, 1_500, 2_048, 9_000]))
        {
            var datagram = new byte[length];
            random.NextBytes(datagram);
            sent++;
            await stranger.SendAsync(datagram, thread.Socket.LocalEndPoint);
            await thread.InvokeAsync((_, _) => true);
        }

        Assert.True(thread.IsAlive);
        var received = await thread.InvokeAsync((w, _) => w.Stats.DatagramsReceived);
        Assert.InRange(received, sent / 2, sent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Socket_PortInUse_SaysSo(bool portable)
    {
        using var first = Open(portable, 0);
        var port = first.LocalEndPoint.Port;

        var error = Assert.Throws<SocketException>(() => Open(portable, port));

        Assert.Equal(SocketError.AddressAlreadyInUse, error.SocketErrorCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Socket_IPv6_TalksToBothFamilies(bool portable)
    {
        if (!Socket.OSSupportsIPv6)
        {
            return;
        }

        using IBatchSocket socket = portable || !OperatingSystem.IsLinux()
            ? new PortableUdpSocket(new IPEndPoint(IPAddress.IPv6Any, 0), BufferBytes)
            : new LinuxUdpSocket(new IPEndPoint(IPAddress.IPv6Any, 0), BufferBytes);
        foreach (var loopback in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            using var peer = new UdpClient(new IPEndPoint(loopback, 0));
            peer.Client.ReceiveTimeout = 5_000;
            peer.Send([1, 2, 3], new IPEndPoint(loopback, socket.LocalEndPoint.Port));
            socket.Wait(5_000_000);
            Assert.Equal(1, socket.ReceiveBatch());
            Assert.Equal([1, 2, 3], socket.Datagram(0, out var from).ToArray());
            Assert.Equal(loopback.AddressFamily == AddressFamily.InterNetwork, from.IsIPv4);

            socket.Rent()[0] = 9;
            socket.Send(1, from);
            socket.Flush();
            IPEndPoint? sender = null;
            Assert.Equal([9], peer.Receive(ref sender));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Socket_MoreThanABatch_ArrivesInOrder(bool portable)
    {
        using var socket = Open(portable, 0);
        using var other = Open(portable, 0);
        var destination = TransportAddress.From(other.LocalEndPoint);
        for (var i = 0; i < 200; i++)
        {
            var buffer = socket.Rent();
            buffer[0] = (byte)i;
            buffer[1] = 1;
            socket.Send(2, destination);
        }

        socket.Flush();
        var received = new List<byte>();
        while (received.Count < 200)
        {
            other.Wait(5_000_000);
            var count = other.ReceiveBatch();
            Assert.True(count > 0, $"{received.Count} of 200 datagrams came.");
            for (var i = 0; i < count; i++)
            {
                received.Add(other.Datagram(i, out _)[0]);
            }
        }

        Assert.Equal(Enumerable.Range(0, 200).Select(i => (byte)i), received);
    }

    private static IBatchSocket Open(bool portable, int port) => portable || !OperatingSystem.IsLinux()
        ? new PortableUdpSocket(new IPEndPoint(IPAddress.Loopback, port), BufferBytes)
        : new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, port), BufferBytes);

    private static string AllowedProcessors(string status) =>
        File.ReadLines(status).First(l => l.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();

    private WorkerThread Start(bool portable, int? processor = null)
    {
        var socket = Open(portable, 0);
        var worker = new MediaWorker(new MediaWorkerOptions { Announced = [TransportAddress.From(socket.LocalEndPoint)] }, _dtls, socket);
        var thread = new WorkerThread(0, socket, worker, new MonotonicClock(TimeProvider.System), NullLogger.Instance, processor: processor);
        _threads.Add(thread);
        thread.Start();
        return thread;
    }

    private static async Task<(SocketClient Alice, SocketClient Bob)> ConnectAsync(WorkerThread thread)
    {
        var router = await thread.InvokeAsync((w, now) => w.CreateRouter("room", SilentRouterListener.Instance, now).Value!);
        var (from, alice) = await OpenAsync(thread, router, "alice");
        var (to, bob) = await OpenAsync(thread, router, "bob");
        SocketClient.RunUntil(() => alice.Rtc.IsConnected && bob.Rtc.IsConnected, alice, bob);
        Assert.True(RtpParameters.TryParse(AudioParameters, out var parameters, out var error), error);
        var consumed = await thread.InvokeAsync((_, now) =>
        {
            from.Produce("p", MediaKind.Audio, parameters, false, now);
            return to.Consume("c", "p", Router.RtpCapabilities, false, now);
        });
        Assert.True(consumed.IsOk, consumed.Error);
        return (alice, bob);
    }

    private static async Task<(WebRtcTransport Transport, SocketClient Client)> OpenAsync(WorkerThread thread, Router router, string id)
    {
        var (transport, json) = await thread.InvokeAsync((w, now) =>
        {
            var created = w.CreateTransport(router, id, Listener.Instance, now).Value!;
            return (created, created.DescriptionJson);
        });
        var client = new SocketClient(json);
        Assert.Null(await thread.InvokeAsync((_, now) => transport.Connect(client.Rtc.DtlsParameters, now)));
        return (transport, client);
    }

    internal const string AudioParameters = """
        {"mid":"0","codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{},"rtcpFeedback":[]}],
         "headerExtensions":[],"encodings":[{"ssrc":7}],"rtcp":{"cname":"alice"}}
        """;

    private static byte[] Opus()
    {
        var packet = new byte[92];
        packet[0] = 0x80;
        packet[1] = 111;
        packet[11] = 7;
        packet[12] = 0x78;
        return packet;
    }

    private static void Number(byte[] packet, int i)
    {
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)i);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), (uint)i * 960);
    }

    private sealed class Listener : IWebRtcTransportListener
    {
        public static readonly Listener Instance = new();

        public void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state)
        {
        }
    }
}
