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
    ValueTask PublishAsync(string subject, string? replyTo, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Ends when the server has taken everything that was published before: PING and PONG.</summary>
    /// <exception cref="NatsLinkException">The connection is lost, or the server was silent for too long.</exception>
    Task FlushAsync(TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Hands the messages of a subject to a handler, one at a time. Of a queue group one member gets each.</summary>
    void Subscribe(string subject, string? queue, Action<NatsMessage> handler);

    /// <summary>Gives the connection up at once: it has stopped to answer.</summary>
    void Abandon();
}

/// <summary>Makes connections.</summary>
internal interface INatsConnector
{
    /// <summary>Connects to the first of the servers that answers.</summary>
    /// <exception cref="NatsLinkException">None of them does, or none lets us in.</exception>
    Task<INatsLink> ConnectAsync(IReadOnlyList<NatsServer> servers, EventsOptions options, CancellationToken cancellationToken);
}

/// <summary>A message that came.</summary>
internal readonly record struct NatsMessage(string Subject, string? ReplyTo, ReadOnlyMemory<byte> Payload);

/// <summary>The connection is lost or could not be made.</summary>
internal sealed class NatsLinkException(string message, Exception? inner = null) : Exception(message, inner);
