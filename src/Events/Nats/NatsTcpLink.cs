using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Threading.Channels;

namespace VoiceCluster.Events.Nats;

/// <summary>One connection: a loop that reads, a loop that writes many messages at once, and a PING when it is quiet.</summary>
internal sealed class NatsTcpLink : INatsLink
{
    /// <summary>Messages that wait to be written; then publishers wait.</summary>
    private const int MaxQueued = 4_096;

    /// <summary>Bytes written at once, about.</summary>
    private const int WriteBytes = 64 * 1024;

    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);

    private readonly Stream _stream;
    private readonly PipeReader _input;
    private readonly bool _hasHeaders;
    private readonly Channel<Outgoing> _outgoing = Channel.CreateBounded<Outgoing>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly ConcurrentDictionary<long, Action<NatsMessage>> _handlers = new();
    private readonly ConcurrentQueue<TaskCompletionSource> _pongs = new();
    private readonly ConcurrentDictionary<string, bool> _refused = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _end = new();
    private long _lastSubscription;
    private long _maxPayload;
    private volatile string _lastError = "";
    private Task _loops = Task.CompletedTask;

    private NatsTcpLink(Stream stream, PipeReader input, NatsGreeting greeting)
    {
        _stream = stream;
        _input = input;
        _hasHeaders = greeting.Headers;
        _maxPayload = greeting.MaxPayload;
    }

    /// <inheritdoc/>
    public Task Closed => _closed.Task;

    /// <inheritdoc/>
    public long MaxPayload => Volatile.Read(ref _maxPayload);

    /// <summary>Begins to read and write on a connection that is let in.</summary>
    public static NatsTcpLink Start(Stream stream, PipeReader input, NatsGreeting greeting, TimeProvider time)
    {
        var link = new NatsTcpLink(stream, input, greeting);
        link._loops = Task.WhenAll(link.ReadAsync(), link.WriteAsync(), link.PingAsync(time));
        return link;
    }

    /// <inheritdoc/>
    public async ValueTask PublishAsync(NatsPublication publication, CancellationToken cancellationToken)
    {
        if (!NatsWriter.IsSubject(publication.Subject) || (publication.ReplyTo is { } reply && !NatsWriter.IsSubject(reply)))
        {
            throw new ArgumentException("A subject has no blanks and no wildcards.", nameof(publication));
        }

        await SendAsync(new Outgoing(publication, null, null), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task FlushAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var pong = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await SendAsync(new Outgoing(default, pong, null), cancellationToken).AsTask().WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
            if (await Task.WhenAny(pong.Task, Closed).WaitAsync(timeout, cancellationToken).ConfigureAwait(false) != pong.Task)
            {
                throw Lost();
            }
        }
        catch (TimeoutException e)
        {
            Abandon();
            throw new NatsLinkException("The server is silent.", e);
        }
    }

    /// <inheritdoc/>
    public bool TakeRefusal(string subject) => !_refused.IsEmpty && _refused.TryRemove(subject, out _);

    /// <inheritdoc/>
    public void Subscribe(string subject, string? queue, Action<NatsMessage> handler)
    {
        var id = Interlocked.Increment(ref _lastSubscription);
        _handlers[id] = handler;
        var line = new ArrayBufferWriter<byte>();
        NatsWriter.Subscribe(line, subject, queue, id);
        if (!_outgoing.Writer.TryWrite(new Outgoing(default, null, line.WrittenMemory)))
        {
            throw Lost();
        }
    }

    /// <inheritdoc/>
    public void Abandon()
    {
        if (_closed.TrySetResult())
        {
            _outgoing.Writer.TryComplete();
            _end.Cancel();
            _stream.Dispose();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Abandon();
        await _loops.ConfigureAwait(false);
        _end.Dispose();
    }

    private NatsLinkException Lost(Exception? inner = null) =>
        new(_lastError.Length > 0 ? $"The server closed the connection: {_lastError}" : "The connection is lost.", inner);

    private async ValueTask SendAsync(Outgoing outgoing, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(outgoing, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw Lost(e);
        }
    }

    private async Task WriteAsync()
    {
        var bytes = new ArrayBufferWriter<byte>(WriteBytes);
        try
        {
            while (await _outgoing.Reader.WaitToReadAsync(_end.Token).ConfigureAwait(false))
            {
                while (bytes.WrittenCount < WriteBytes && _outgoing.Reader.TryRead(out var outgoing))
                {
                    if (outgoing.Raw is { } raw)
                    {
                        bytes.Write(raw.Span);
                    }
                    else if (outgoing.Pong is { } pong)
                    {
                        // The server answers pings in their order.
                        _pongs.Enqueue(pong);
                        NatsWriter.Ping(bytes);
                    }
                    else
                    {
                        NatsWriter.Publish(bytes, outgoing.Publication, _hasHeaders);
                    }
                }

                await _stream.WriteAsync(bytes.WrittenMemory, _end.Token).ConfigureAwait(false);
                bytes.ResetWrittenCount();
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            _lastError = _lastError.Length > 0 || _end.IsCancellationRequested ? _lastError : e.Message;
        }
        finally
        {
            Abandon();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                var result = await _input.ReadAsync(_end.Token).ConfigureAwait(false);
                var buffer = result.Buffer;
                NatsFrameKind kind;
                do
                {
                    var frame = NatsParser.Read(ref buffer);
                    kind = frame.Kind;
                    Handle(frame);
                }
                while (kind is not (NatsFrameKind.Incomplete or NatsFrameKind.Invalid));

                _input.AdvanceTo(buffer.Start, buffer.End);
                if (kind == NatsFrameKind.Invalid || result.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception e) when (IsEnd(e))
        {
            _lastError = _lastError.Length > 0 || _end.IsCancellationRequested ? _lastError : e.Message;
        }
        finally
        {
            Abandon();
            await _input.CompleteAsync().ConfigureAwait(false);
        }
    }

    private void Handle(in NatsFrame frame)
    {
        switch (frame.Kind)
        {
            case NatsFrameKind.Message when _handlers.TryGetValue(frame.Subscription, out var handler):
                handler(frame.Message);
                break;
            case NatsFrameKind.Ping:
                // When even this finds no place, the writer is stuck and the server may close the connection.
                _outgoing.Writer.TryWrite(new Outgoing(default, null, "PONG\r\n"u8.ToArray()));
                break;
            case NatsFrameKind.Pong when _pongs.TryDequeue(out var pong):
                pong.TrySetResult();
                break;
            case NatsFrameKind.Info when NatsGreeting.TryParse(frame.Text, out var greeting):
                Volatile.Write(ref _maxPayload, greeting.MaxPayload);
                break;
            case NatsFrameKind.Error:
                Note(frame.Text);
                break;
        }
    }

    /// <summary>Permissions Violation for Publish to "subject": the connection goes on. After all other errors the server ends it.</summary>
    private void Note(string error)
    {
        const string Start = "Permissions Violation for Publish to \"";
        if (error.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
        {
            var subject = error[Start.Length..].TrimEnd('"');
            _refused[subject] = true;
        }
        else
        {
            _lastError = error;
        }
    }

    private async Task PingAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(PingInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token).ConfigureAwait(false))
            {
                await FlushAsync(PingInterval, _end.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is NatsLinkException || IsEnd(e))
        {
            Abandon();
        }
    }

    private static bool IsEnd(Exception exception) =>
        exception is IOException or System.Net.Sockets.SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException;

    /// <summary>A message, or a ping with who waits for its pong, or bytes as they are.</summary>
    private readonly record struct Outgoing(NatsPublication Publication, TaskCompletionSource? Pong, ReadOnlyMemory<byte>? Raw);
}
