using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using NATS.Client;

namespace VoiceCluster.Events.Nats;

/// <summary>
/// Connections by the package NATS.Client. Its own reconnecting is off: it would hide losses. Its calls block, and it
/// closes a connection under the lock that a stuck write holds, so that everything runs behind a queue here and a
/// connection that does not answer is simply left.
/// </summary>
internal sealed class NatsConnector : INatsConnector
{
    /// <inheritdoc/>
    public async Task<INatsLink> ConnectAsync(IReadOnlyList<NatsServer> servers, EventsOptions options, CancellationToken cancellationToken)
    {
        var link = new NatsClientLink();
        var settings = ConnectionFactory.GetDefaultOptions();
        settings.Servers = [.. servers.Select(s => s.Url.OriginalString)];
        settings.Name = "voicecluster";
        settings.AllowReconnect = false;
        settings.Timeout = (int)options.ConnectTimeout.TotalMilliseconds;
        settings.PingInterval = (int)PingInterval.TotalMilliseconds;
        settings.Secure = servers[0].IsTls;
        if (options.CaFile.Length > 0)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(options.CaFile);
            settings.TLSRemoteCertificationValidationCallback = (_, certificate, _, errors) => IsSignedBy(authorities, certificate, errors);
        }

        settings.DisconnectedEventHandler += (_, _) => link.NoteClosed();
        settings.ClosedEventHandler += (_, _) => link.NoteClosed();
        try
        {
            var connection = await Task.Run(() => new ConnectionFactory().CreateConnection(settings), cancellationToken).ConfigureAwait(false);
            link.Start(connection);
            return link;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new NatsLinkException(e is NATSNoServersException ? "no server answers" : e.GetBaseException().Message, e);
        }
    }

    private static TimeSpan PingInterval => TimeSpan.FromSeconds(10);

    private static bool IsSignedBy(X509Certificate2Collection authorities, X509Certificate? certificate, SslPolicyErrors errors)
    {
        // A wrong name stays wrong whoever signed it.
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var presented = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return chain.Build(presented);
    }
}

/// <summary>One connection of NATS.Client.</summary>
internal sealed class NatsClientLink : INatsLink
{
    /// <summary>Messages that wait to be written; then publishers wait.</summary>
    private const int MaxQueued = 4_096;

    private readonly Channel<Outgoing> _outgoing = Channel.CreateBounded<Outgoing>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IConnection? _connection;

    /// <inheritdoc/>
    public Task Closed => _closed.Task;

    /// <inheritdoc/>
    public long MaxPayload => _connection!.MaxPayload;

    /// <summary>The library says that the connection is gone.</summary>
    public void NoteClosed()
    {
        _outgoing.Writer.TryComplete();
        _closed.TrySetResult();
    }

    /// <summary>Begins to write what is published.</summary>
    public void Start(IConnection connection)
    {
        _connection = connection;
        _ = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public async ValueTask PublishAsync(string subject, string? replyTo, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(new Outgoing(subject, replyTo, payload, null), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public async Task FlushAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _outgoing.Writer.WriteAsync(new Outgoing("", null, default, written), cancellationToken).ConfigureAwait(false);
            var first = await Task.WhenAny(written.Task, Closed).WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
            if (first != written.Task)
            {
                throw Lost(null);
            }

            // PING and PONG, while others go on publishing.
            await Task.Run(() => _connection!.Flush((int)timeout.TotalMilliseconds), CancellationToken.None)
                .WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ChannelClosedException or TimeoutException or NATSException)
        {
            Abandon();
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public void Subscribe(string subject, string? queue, Action<NatsMessage> handler)
    {
        try
        {
            _ = queue is null
                ? _connection!.SubscribeAsync(subject, (_, e) => handler(Read(e.Message)))
                : _connection!.SubscribeAsync(subject, queue, (_, e) => handler(Read(e.Message)));
        }
        catch (NATSException e)
        {
            Abandon();
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public void Abandon()
    {
        NoteClosed();

        // Closing may wait for the same stuck write; nobody waits for it.
        _ = Task.Run(() => _connection?.Close());
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Abandon();
        return ValueTask.CompletedTask;
    }

    private static NatsMessage Read(Msg message) => new(message.Subject, message.Reply, message.Data);

    private static NatsLinkException Lost(Exception? inner) => new(inner is TimeoutException or NATSTimeoutException
        ? "The server was silent for too long."
        : "The connection is lost.", inner);

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                if (message.Written is { } written)
                {
                    written.SetResult();
                }
                else if (message.ReplyTo is null)
                {
                    _connection!.Publish(message.Subject, message.Payload.ToArray());
                }
                else
                {
                    _connection!.Publish(message.Subject, message.ReplyTo, message.Payload.ToArray());
                }
            }
        }
        catch (Exception e) when (e is NATSException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            Abandon();
        }
    }

    /// <summary>A message to write, or a mark that everything before it is written.</summary>
    private readonly record struct Outgoing(string Subject, string? ReplyTo, ReadOnlyMemory<byte> Payload, TaskCompletionSource? Written);
}
