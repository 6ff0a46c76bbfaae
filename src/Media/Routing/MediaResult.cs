namespace VoiceCluster.Media.Routing;

/// <summary>Why a control request was refused.</summary>
public enum MediaFault
{
    None = 0,

    /// <summary>The parameters break a rule of RTP or of the parameter format.</summary>
    Invalid,

    /// <summary>No object has that id.</summary>
    NotFound,

    /// <summary>The id, SSRC or MID is taken.</summary>
    Conflict,

    /// <summary>The two sides share no codec.</summary>
    Unsupported,

    /// <summary>The object is closed.</summary>
    Closed,

    /// <summary>A limit of the router is reached.</summary>
    Full,
}

/// <summary>A value, or the reason why there is none. A client's mistake is a result, never an exception.</summary>
/// <typeparam name="T">What succeeds.</typeparam>
public readonly record struct MediaResult<T>
    where T : class
{
    private MediaResult(T? value, MediaFault fault, string? error)
    {
        Value = value;
        Fault = fault;
        Error = error;
    }

    /// <summary>The value; null after a fault.</summary>
    public T? Value { get; }

    /// <summary><see cref="MediaFault.None"/> on success.</summary>
    public MediaFault Fault { get; }

    /// <summary>One sentence for the client; null on success.</summary>
    public string? Error { get; }

    /// <summary>True when there is a value.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Value))]
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Fault == MediaFault.None;

    /// <summary>Success.</summary>
    public static MediaResult<T> Ok(T value) => new(value, MediaFault.None, null);

    /// <summary>A refusal.</summary>
    public static MediaResult<T> Refuse(MediaFault fault, string error) => new(null, fault, error);
}
