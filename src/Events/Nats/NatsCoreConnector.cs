using NATS.Client.Core;

namespace VoiceCluster.Events.Nats;

/// <summary>Connections by the package NATS.Client.Core; a connection that was lost is left, and the bus makes another.</summary>
internal sealed class NatsConnector : INatsConnector
{
    /// <inheritdoc/>
    public async Task<INatsLink> ConnectAsync(IReadOnlyList<NatsServer> servers, EventsOptions options, CancellationToken cancellationToken)
    {
        var connection = new NatsConnection(new NatsOpts
        {
            Url = string.Join(',', servers.Select(s => s.Url.OriginalString)),
            Name = "voicecluster",
            ConnectTimeout = options.ConnectTimeout,
            PingInterval = TimeSpan.FromSeconds(10),
            TlsOpts = servers[0].IsTls
                ? new NatsTlsOpts { Mode = TlsMode.Require, CaFile = options.CaFile.Length > 0 ? options.CaFile : null }
                : NatsTlsOpts.Default,
        });
        try
        {
            await connection.ConnectAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
            return new NatsCoreLink(connection);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw new NatsLinkException(e.GetBaseException().Message, e);
        }
    }
}

/// <summary>One connection of NATS.Client.Core.</summary>
internal sealed class NatsCoreLink : INatsLink
{
    private readonly NatsConnection _connection;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ended = new();

    public NatsCoreLink(NatsConnection connection)
    {
        _connection = connection;
        connection.ConnectionDisconnected += (_, _) =>
        {
            Abandon();
            return ValueTask.CompletedTask;
        };
    }

    /// <inheritdoc/>
    public Task Closed => _closed.Task;

    /// <inheritdoc/>
    public long MaxPayload => _connection.ServerInfo?.MaxPayload ?? 1024 * 1024;

    /// <inheritdoc/>
    public async ValueTask PublishAsync(NatsPublication publication, CancellationToken cancellationToken)
    {
        try
        {
            ThrowIfClosed();
            var headers = publication.MessageId is { } id ? new NatsHeaders { ["Nats-Msg-Id"] = id } : null;
            await _connection.PublishAsync(
                publication.Subject, publication.Payload, headers, publication.ReplyTo, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or NatsLinkException))
        {
            throw new NatsLinkException("The connection is lost.", e);
        }
    }

    /// <inheritdoc/>
    public async Task FlushAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            ThrowIfClosed();
            var pong = _connection.PingAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(pong, Closed).WaitAsync(timeout, cancellationToken).ConfigureAwait(false) != pong)
            {
                throw new NatsLinkException("The connection is lost.");
            }

            await pong.ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not NatsLinkException)
        {
            Abandon();
            throw new NatsLinkException("The server was silent for too long.", e);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The package logs refusals and does not hand them out.</remarks>
    public bool TakeRefusal(string subject) => false;

    /// <inheritdoc/>
    public void Subscribe(string subject, string? queue, Action<NatsMessage> handler) => _ = ReadAsync(subject, queue, handler);

    /// <inheritdoc/>
    public void Abandon()
    {
        if (_closed.TrySetResult())
        {
            _ended.Cancel();
            _ = _connection.DisposeAsync().AsTask();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Abandon();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync(string subject, string? queue, Action<NatsMessage> handler)
    {
        try
        {
            await foreach (var message in _connection.SubscribeAsync<byte[]>(subject, queue, cancellationToken: _ended.Token).ConfigureAwait(false))
            {
                handler(new NatsMessage(message.Subject, message.ReplyTo, message.Data ?? [], message.HasNoResponders));
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Abandon();
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed.Task.IsCompleted)
        {
            throw new NatsLinkException("The connection is lost.");
        }
    }
}
