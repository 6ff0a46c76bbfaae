namespace VoiceCluster.Events.Nats;

/// <summary>
/// One connection to one server, which lives until it fails and never comes back: who uses it learns of every loss, and
/// whatever was not acknowledged is sent again by its owner over the next one.
/// </summary>
internal interface INatsLink : IAsyncDisposable
{
    /// <summary>Ends when the connection is lost.</summary>
    Task Closed { get; }

    /// <summary>Bytes of a message that the server takes at most.</summary>
    long MaxPayload { get; }

    /// <summary>Sends a message behind those sent before. Waits only while too many of them are still to be written.</summary>
    /// <exception cref="NatsLinkException">The connection is lost.</exception>
    ValueTask PublishAsync(NatsPublication publication, CancellationToken cancellationToken);

    /// <summary>Ends when the server has taken everything that was published before: PING and PONG.</summary>
    /// <exception cref="NatsLinkException">The connection is lost, or the server was silent for too long.</exception>
    Task FlushAsync(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// Whether the server refused a publication on the subject, for want of a permission, since this was asked last. What a
    /// flush confirmed may have been refused, and then it is known before the flush ends.
    /// </summary>
    bool TakeRefusal(string subject);

    /// <summary>Hands the messages of a subject to a handler, one at a time; it must not wait. Of a queue group one member gets each.</summary>
    void Subscribe(string subject, string? queue, Action<NatsMessage> handler);

    /// <summary>Gives the connection up at once: it has stopped to answer.</summary>
    void Abandon();
}

/// <summary>Makes connections.</summary>
internal interface INatsConnector
{
    /// <summary>Connects to the first of the servers that answers and lets us in.</summary>
    /// <exception cref="NatsLinkException">None of them does.</exception>
    Task<INatsLink> ConnectAsync(IReadOnlyList<NatsServer> servers, EventsOptions options, CancellationToken cancellationToken);
}

/// <summary>A message to send.</summary>
/// <param name="MessageId">Streams drop repetitions of it within their window: the header Nats-Msg-Id.</param>
internal readonly record struct NatsPublication(string Subject, ReadOnlyMemory<byte> Payload, string? ReplyTo = null, string? MessageId = null);

/// <summary>A message that came.</summary>
/// <param name="HasNoResponders">It says that nobody listens to the request that it answers.</param>
internal readonly record struct NatsMessage(string Subject, string? ReplyTo, ReadOnlyMemory<byte> Payload, bool HasNoResponders = false);

/// <summary>The connection is lost or could not be made.</summary>
internal sealed class NatsLinkException(string message, Exception? inner = null) : Exception(message, inner);
