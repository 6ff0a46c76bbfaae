namespace Orleans;

/// <summary>Why an activation ends.</summary>
public readonly struct DeactivationReason(DeactivationReasonCode code, Exception? exception, string text)
{
    /// <summary>With a code and a text.</summary>
    public DeactivationReason(DeactivationReasonCode code, string text)
        : this(code, null, text)
    {
    }

    /// <summary>The kind of reason.</summary>
    public DeactivationReasonCode ReasonCode => code;

    /// <summary>For people.</summary>
    public string Description => text;

    /// <summary>The failure behind it, or null.</summary>
    public Exception? Exception => exception;

    /// <inheritdoc/>
    public override string ToString() => exception is null ? $"{code}: {text}" : $"{code}: {text} ({exception.Message})";
}

/// <summary>Kinds of reasons why an activation ends.</summary>
public enum DeactivationReasonCode : byte
{
    /// <summary>No reason.</summary>
    None,

    /// <summary>The silo stops.</summary>
    ShuttingDown,

    /// <summary>The activation could not start.</summary>
    ActivationFailed,

    /// <summary>The directory knows another activation.</summary>
    DirectoryFailure,

    /// <summary>It was idle.</summary>
    ActivationIdle,

    /// <summary>It hung.</summary>
    ActivationUnresponsive,

    /// <summary>Another activation exists.</summary>
    DuplicateActivation,

    /// <summary>The grain type is not compatible.</summary>
    IncompatibleRequest,

    /// <summary>The application failed.</summary>
    ApplicationError,

    /// <summary>The application asked for it.</summary>
    ApplicationRequested,

    /// <summary>It moves to another silo.</summary>
    Migrating,
}
