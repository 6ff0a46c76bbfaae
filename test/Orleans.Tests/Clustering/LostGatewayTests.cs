using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Runtime.Networking;
using Orleans.TestingHost;

namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>Calls of a client between the moment when a gateway's connection is closed and the one when the client counts it no more.</summary>
[Collection(OneClock.Name)]
public sealed class LostGatewayTests
{
    private const int Calls = 20;

    private readonly TestClock _clock = new();
    private readonly UnreadTransport _network = new(new MemoryTransport());

    [Fact]
    public Task Calls_WhileTheEndOfAGatewaysConnectionIsNotReadYet_GoThroughAnother() => _clock.RunAsync(
        async () =>
        {
            await using var cluster = Build();
            await cluster.DeployAsync();
            var inner = cluster.Silos[2];
            var keys = await FindAsync(cluster.Client, inner);

            _network.HoldEnds();
            var since = _clock.GetTimestamp();
            await cluster.KillSiloAsync(cluster.Silos[0]);
            var failed = 0;
            for (var i = 0; i < Calls; i++)
            {
                try
                {
                    Assert.Equal(inner.Name, (await cluster.Client.GetGrain<IPlaceGrain>(keys[i % keys.Length]).WhereAsync("again")).Silo);
                }
                catch (SiloUnavailableException)
                {
                    // By its write the client learns that the connection is closed.
                    failed++;
                }
            }

            Assert.Equal(1, failed);
            Assert.InRange(_clock.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(1));
            _network.LetEndsGo();
        },
        TimeSpan.FromMilliseconds(1));

    /// <summary>Grains that live in a silo.</summary>
    private static async Task<long[]> FindAsync(IClusterClient client, SiloHandle silo)
    {
        var found = new List<long>();
        for (var key = 0L; found.Count < 3; key++)
        {
            if ((await client.GetGrain<IPlaceGrain>(key).WhereAsync("who?")).Silo == silo.Name)
            {
                found.Add(key);
            }
        }

        return [.. found];
    }

    /// <summary>Two silos that take clients, and one that does not.</summary>
    private InProcessTestCluster Build()
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.Options.TimeProvider = _clock;
        builder.ConfigureSilo((options, silo) =>
        {
            silo.Services.AddSingleton(_network.Inner);
            if (options.SiloName == "Silo_2")
            {
                silo.Configure<EndpointOptions>(o => (o.GatewayPort, o.GatewayListeningEndpoint) = (0, null));
            }
        });
        builder.ConfigureClient(client => client.Services.AddSingleton<IClusterTransport>(_network));
        return builder.Build();
    }

    /// <summary>A client's network, which can keep from it that a connection was ended by the other side.</summary>
    private sealed class UnreadTransport(IClusterTransport inner) : IClusterTransport
    {
        private TaskCompletionSource? _held;

        public IClusterTransport Inner => inner;

        public void HoldEnds() => Volatile.Write(ref _held, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public void LetEndsGo() => Volatile.Read(ref _held)?.SetResult();

        public IClusterListener Bind(IPEndPoint endpoint) => inner.Bind(endpoint);

        public async ValueTask<Stream> ConnectAsync(IPEndPoint endpoint, CancellationToken cancellationToken) =>
            new Unread(await inner.ConnectAsync(endpoint, cancellationToken), this);

        private Task EndAsync() => Volatile.Read(ref _held)?.Task ?? Task.CompletedTask;

        private sealed class Unread(Stream stream, UnreadTransport network) : Stream
        {
            public override bool CanRead => true;

            public override bool CanSeek => false;

            public override bool CanWrite => true;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException();
                set => throw new NotSupportedException();
            }

            public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => stream.WriteAsync(buffer, cancellationToken);

            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                try
                {
                    if (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
                    {
                        return read;
                    }
                }
                catch (Exception e) when (e is IOException or ObjectDisposedException)
                {
                    await network.EndAsync();
                    throw;
                }

                await network.EndAsync();
                return 0;
            }

            public override void Flush() => stream.Flush();

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();

            protected override void Dispose(bool disposing)
            {
                stream.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
