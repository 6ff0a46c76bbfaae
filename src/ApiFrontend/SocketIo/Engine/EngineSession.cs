namespace VoiceCluster.ApiFrontend.SocketIo.Engine;

/// <summary>The way packets reach the client now.</summary>
internal enum EngineTransport
{
    Polling,
    WebSocket,
}

/// <summary>What a session tells the protocol above it.</summary>
internal interface IEngineListener
{
    /// <summary>A message came. Awaited before the next one is read: this is the back-pressure towards the client.</summary>
    ValueTask OnMessageAsync(EnginePacket message);

    /// <summary>The session ended; called once.</summary>
    void OnClosed(DisconnectReason reason);
}

/// <summary>
/// One Engine.IO connection: its queue to the client, its heartbeat and its move from polling to WebSocket.
/// Transports take frames out of it and put packets in.
/// </summary>
internal sealed class EngineSession
{
    private readonly Lock _gate = new();
    private readonly Queue<EngineFrame> _outgoing = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly SocketIoOptions _options;
    private readonly Action<EngineSession> _remove;
    private readonly ITimer _heartbeat;
    private long _outgoingBytes;
    private TaskCompletionSource? _waiter;
    private bool _awaitingPong;
    private bool _upgrading;
    private bool _polling;
    private bool _posting;
    private bool _closed;
    private bool _finished;

    public EngineSession(string id, string address, EngineTransport transport, SocketIoOptions options, TimeProvider time, Action<EngineSession> remove)
    {
        Id = id;
        Address = address;
        Transport = transport;
        _options = options;
        _remove = remove;
        Ended = _ended.Token;
        _heartbeat = time.CreateTimer(static s => ((EngineSession)s!).OnHeartbeat(), this, options.PingInterval, Timeout.InfiniteTimeSpan);
    }

    public string Id { get; }

    /// <summary>The client's address, for logs and limits.</summary>
    public string Address { get; }

    public EngineTransport Transport { get; private set; }

    /// <summary>Set once, before the first packet is read.</summary>
    public IEngineListener Listener { get; set; } = null!;

    /// <summary>Cancelled when nothing more may be sent or read.</summary>
    public CancellationToken Ended { get; }

    /// <summary>True once <see cref="Close"/> was called; frames queued before may still be on their way.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _closed;
            }
        }
    }

    /// <summary>Why it was closed, once it is.</summary>
    public DisconnectReason EndReason { get; private set; }

    /// <summary>Queues frames that belong together. A client that does not read past the bounds is closed.</summary>
    public bool Send(ReadOnlySpan<EngineFrame> frames)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            long bytes = _outgoingBytes;
            foreach (EngineFrame frame in frames)
            {
                bytes += frame.Bytes.Length;
            }

            if (bytes <= _options.MaxQueuedBytes && _outgoing.Count + frames.Length <= _options.MaxQueuedPackets)
            {
                foreach (EngineFrame frame in frames)
                {
                    _outgoing.Enqueue(frame);
                }

                _outgoingBytes = bytes;
                Wake();
                return true;
            }
        }

        // The caller may hold locks of the protocol above, which is told of the end: so it is told from elsewhere.
        ThreadPool.UnsafeQueueUserWorkItem(static s => s.Abort(DisconnectReason.Backpressure), this, preferLocal: false);
        return false;
    }

    /// <summary>Takes what is queued, up to about <paramref name="maxBytes"/>.</summary>
    public void Take(List<EngineFrame> into, int maxBytes)
    {
        lock (_gate)
        {
            int taken = 0;
            while (taken < maxBytes && _outgoing.TryDequeue(out EngineFrame frame))
            {
                into.Add(frame);
                taken += frame.Bytes.Length;
                _outgoingBytes -= frame.Bytes.Length;
            }
        }
    }

    /// <summary>Completes when there are frames, when the session closes or when a poll must be let go. One waiter at a time.</summary>
    public Task WaitAsync()
    {
        lock (_gate)
        {
            if (_outgoing.Count > 0 || _closed || _finished || (_polling && (_upgrading || Transport != EngineTransport.Polling)))
            {
                return Task.CompletedTask;
            }

            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiter.Task;
        }
    }

    /// <summary>Handles a received packet; false when the client broke the protocol.</summary>
    public async ValueTask<bool> ReceiveAsync(EnginePacket packet)
    {
        switch (packet.Type)
        {
            case EnginePacketType.Message:
                if (!IsClosed)
                {
                    await Listener.OnMessageAsync(packet).ConfigureAwait(false);
                }

                return true;
            case EnginePacketType.Pong:
                OnPong();
                return true;
            case EnginePacketType.Close:
                Close(DisconnectReason.TransportClose);
                return true;
            case EnginePacketType.Noop:
                return true;
            default:
                return false;
        }
    }

    /// <summary>Enters a poll; false when the client has one open already or has left polling.</summary>
    public bool TryBeginPoll()
    {
        lock (_gate)
        {
            if (_polling || Transport != EngineTransport.Polling)
            {
                return false;
            }

            _polling = true;
            return true;
        }
    }

    /// <summary>Whether a poll that found nothing must be answered with a noop all the same.</summary>
    public bool MustReleasePoll
    {
        get
        {
            lock (_gate)
            {
                return _upgrading || Transport != EngineTransport.Polling || _closed;
            }
        }
    }

    public void EndPoll()
    {
        bool finish;
        lock (_gate)
        {
            _polling = false;
            finish = _closed && _outgoing.Count == 0;
        }

        if (finish)
        {
            Finish();
        }
    }

    /// <summary>Enters a POST; false when another one of the same client is still being read.</summary>
    public bool TryBeginPost()
    {
        lock (_gate)
        {
            if (_posting || Transport != EngineTransport.Polling)
            {
                return false;
            }

            _posting = true;
            return true;
        }
    }

    public void EndPost()
    {
        lock (_gate)
        {
            _posting = false;
        }
    }

    /// <summary>A WebSocket was probed: polls are let go, so that the client can stop polling.</summary>
    public bool TryBeginUpgrade()
    {
        lock (_gate)
        {
            if (_closed || _upgrading || Transport != EngineTransport.Polling)
            {
                return false;
            }

            _upgrading = true;
            Wake();
            return true;
        }
    }

    /// <summary>The upgrade ended; with success, the WebSocket carries everything from now on.</summary>
    public bool EndUpgrade(bool success)
    {
        lock (_gate)
        {
            _upgrading = false;
            if (!success || _closed)
            {
                return false;
            }

            Transport = EngineTransport.WebSocket;
            Wake();
            return true;
        }
    }

    /// <summary>Ends the session after what is queued was sent.</summary>
    public void Close(DisconnectReason reason)
    {
        if (!TryClose(reason))
        {
            return;
        }

        bool drop = reason is DisconnectReason.TransportClose or DisconnectReason.TransportError or DisconnectReason.GoingAway;
        if (drop)
        {
            Finish();
        }

        Listener.OnClosed(reason);
    }

    /// <summary>Ends the session now; what is queued is lost.</summary>
    public void Abort(DisconnectReason reason)
    {
        bool first = TryClose(reason);
        Finish();
        if (first)
        {
            Listener.OnClosed(reason);
        }
    }

    /// <summary>The transport has sent the last frame.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            if (_finished)
            {
                return;
            }

            _finished = true;
            _closed = true;
            _outgoing.Clear();
            _outgoingBytes = 0;
            Wake();
        }

        _heartbeat.Dispose();
        _ended.Cancel();
        _remove(this);
    }

    private bool TryClose(DisconnectReason reason)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            if (Transport == EngineTransport.Polling)
            {
                // A WebSocket has a close frame of its own.
                _outgoing.Enqueue(EngineFrame.Close);
            }

            EndReason = reason;
            _closed = true;
            _awaitingPong = true;

            // The client has this long to fetch the last words; then the timer ends the session.
            _heartbeat.Change(_options.PingTimeout, Timeout.InfiniteTimeSpan);
            Wake();
            return true;
        }
    }

    private void OnPong()
    {
        lock (_gate)
        {
            if (_awaitingPong && !_closed)
            {
                _awaitingPong = false;
                _heartbeat.Change(_options.PingInterval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnHeartbeat()
    {
        lock (_gate)
        {
            if (_finished)
            {
                return;
            }

            if (!_awaitingPong)
            {
                _awaitingPong = true;
                _outgoing.Enqueue(EngineFrame.Ping);
                _outgoingBytes += EngineFrame.Ping.Bytes.Length;
                _heartbeat.Change(_options.PingTimeout, Timeout.InfiniteTimeSpan);
                Wake();
                return;
            }
        }

        Abort(DisconnectReason.PingTimeout);
    }

    private void Wake()
    {
        TaskCompletionSource? waiter = _waiter;
        _waiter = null;
        waiter?.TrySetResult();
    }
}
