using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Threading.Channels;

namespace VoiceCluster.Clustering.Resp;

/// <summary>
/// Commands and replies over one stream, in order: two thin loops, one writes what waits in one go, one reads. When
/// anything fails, every command that has no reply fails, and the connection is of no more use.
/// </summary>
internal sealed class RespConnection : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly Channel<Pending> _outgoing;
    private readonly ConcurrentQueue<Pending> _awaiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;
    private RespException? _failure;

    public RespConnection(Stream stream, int maxPending)
    {
        _stream = stream;
        _outgoing = Channel.CreateBounded<Pending>(new BoundedChannelOptions(maxPending) { SingleReader = true });
        _run = RunAsync();
    }

    /// <summary>Whether commands can still be sent.</summary>
    public bool IsOpen => Volatile.Read(ref _failure) is null;

    /// <summary>Ends when the connection does.</summary>
    public Task Closed => _run;

    /// <summary>Sends a command; answers its reply, whatever that is.</summary>
    /// <exception cref="RespException">The connection is lost, or too many commands wait to be sent.</exception>
    public Task<RespValue> SendAsync(string[] command)
    {
        var pending = new Pending(command);
        if (!_outgoing.Writer.TryWrite(pending))
        {
            throw Volatile.Read(ref _failure) is { } failure
                ? new RespException(failure.Message, true, failure)
                : new RespException("Too many Redis commands wait to be sent.", false);
        }

        return pending.Reply.Task;
    }

    /// <summary>Gives the connection up.</summary>
    public void Abort(string reason, Exception? cause = null)
    {
        if (Interlocked.CompareExchange(ref _failure, new RespException(reason, true, cause), null) is null)
        {
            _outgoing.Writer.TryComplete();
            _stop.Cancel();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abort("The Redis client was closed.");
        await _run.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        await Task.WhenAll(GuardAsync(WriteAsync), GuardAsync(ReadAsync)).ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        while (_awaiting.TryDequeue(out var pending) || _outgoing.Reader.TryRead(out pending))
        {
            pending.Reply.TrySetException(new RespException(_failure!.Message, true, _failure));
        }

        _stop.Dispose();
    }

    private async Task GuardAsync(Func<Task> loop)
    {
        // Off the caller's thread: the constructor must not wait for the network.
        await Task.Yield();
        try
        {
            await loop().ConfigureAwait(false);
            Abort("Redis closed the connection.");
        }
        catch (Exception e)
        {
            Abort($"The connection to Redis is lost: {e.Message}", e);
        }
    }

    private async Task WriteAsync()
    {
        var writer = PipeWriter.Create(_stream, new StreamPipeWriterOptions(leaveOpen: true));
        while (await _outgoing.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(false))
        {
            while (_outgoing.Reader.TryRead(out var pending))
            {
                _awaiting.Enqueue(pending);
                RespWriter.WriteCommand(writer, pending.Command);
            }

            await writer.FlushAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync()
    {
        var reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true));
        while (true)
        {
            var read = await reader.ReadAsync(_stop.Token).ConfigureAwait(false);
            var buffer = read.Buffer;
            RespReadStatus status;
            while ((status = RespReader.TryRead(ref buffer, out var value)) == RespReadStatus.Value)
            {
                // Nobody subscribes to anything, so what the server says unasked is of no interest.
                if (value.Kind != RespKind.Push)
                {
                    if (!_awaiting.TryDequeue(out var pending))
                    {
                        throw new InvalidDataException("Redis answered without having been asked.");
                    }

                    pending.Reply.TrySetResult(value);
                }
            }

            if (status == RespReadStatus.Malformed)
            {
                throw new InvalidDataException("The server does not speak the Redis protocol.");
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    private sealed record Pending(string[] Command)
    {
        /// <summary>Its waiter runs elsewhere, or it would hold up the reading loop.</summary>
        public TaskCompletionSource<RespValue> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
