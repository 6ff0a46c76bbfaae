using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime.Clients;
using Orleans.Runtime.Networking;
using Orleans.Serialization;

namespace VoiceCluster.Engine.Tests.Networking;

/// <summary>What one connection keeps for a side that does not read.</summary>
public sealed class ConnectionLimitTests : IConnectionEvents
{
    /// <summary>Bytes of a frame: two of them may wait, three may not.</summary>
    private const int Length = 60 * 1024 * 1024;

    /// <summary>The first write may have taken any share of what waits: it counts as well.</summary>
    [Fact]
    public async Task Answers_BehindALargeWriteThatDoesNotEnd_EndTheConnection()
    {
        await using var cluster = await TestClusterOfOneAsync();
        var runtime = cluster.Client.ServiceProvider.GetRequiredService<ClientRuntime>();
        await using var stream = new StuckStream();
        await using var connection = new ClusterConnection(stream, new PeerIdentity("near", IsSilo: false), new PeerIdentity("far", IsSilo: true), runtime, this, null, null);

        connection.Send(Answer());
        Assert.Equal(1, stream.Writes);
        connection.Send(Answer());
        Assert.False(connection.IsClosed);
        connection.Send(Answer());
        Assert.True(connection.IsClosed);
        Assert.Equal(1, stream.Writes);
    }

    void IConnectionEvents.OnCall(ClusterConnection connection, GrainCall call) => Assert.Fail("Nobody calls.");

    void IConnectionEvents.OnClosed(ClusterConnection connection, Exception? reason)
    {
    }

    ValueTask IConnectionEvents.MaySpeakAsync() => ValueTask.CompletedTask;

    private static async Task<Orleans.TestingHost.InProcessTestCluster> TestClusterOfOneAsync()
    {
        var builder = new Orleans.TestingHost.InProcessTestClusterBuilder(1);
        builder.Options.UseClustering = true;
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    private static Writer Answer()
    {
        var writer = FrameHeader.Begin();
        writer.Reserve(Length).Clear();
        new FrameHeader(FrameKind.Answer, 1, 0, 0).End(writer);
        return writer;
    }

    /// <summary>A write to it ends when it is closed.</summary>
    private sealed class StuckStream : MemoryStream
    {
        private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _writes;

        public int Writes => Volatile.Read(ref _writes);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _writes);
            await _closed.Task;
            throw new IOException("It was closed.");
        }

        protected override void Dispose(bool disposing)
        {
            _closed.TrySetResult();
            base.Dispose(disposing);
        }
    }
}
