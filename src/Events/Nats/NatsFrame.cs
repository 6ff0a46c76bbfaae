namespace VoiceCluster.Events.Nats;

/// <summary>What a server says.</summary>
internal enum NatsFrameKind
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>This is not NATS: the connection must end.</summary>
    Invalid,

    /// <summary>About the server, as JSON in <see cref="NatsFrame.Text"/>.</summary>
    Info,

    /// <summary>A message.</summary>
    Message,
    Ping,
    Pong,
    Ok,

    /// <summary>A refusal, in <see cref="NatsFrame.Text"/>.</summary>
    Error,
}

/// <summary>One frame. Subscription and message count for messages only.</summary>
internal readonly record struct NatsFrame(NatsFrameKind Kind, string Text = "", long Subscription = 0, NatsMessage Message = default);
