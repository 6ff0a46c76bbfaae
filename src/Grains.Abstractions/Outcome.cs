namespace VoiceCluster.Abstractions;

/// <summary>Why a request was refused. Doors map it to their own codes; the number in each comment is the HTTP status.</summary>
[GenerateSerializer]
public enum FaultCode
{
    /// <summary>The request is malformed or breaks a rule of the protocol (400).</summary>
    Invalid = 0,

    /// <summary>No valid identity (401).</summary>
    Unauthenticated = 1,

    /// <summary>The identity may not do this (403).</summary>
    Forbidden = 2,

    /// <summary>The room, participant, transport, producer or consumer does not exist (404).</summary>
    NotFound = 3,

    /// <summary>The state does not allow it, for instance a second connect (409).</summary>
    Conflict = 4,

    /// <summary>A limit of participants or channels is reached (409).</summary>
    Full = 5,

    /// <summary>It existed and has ended (410).</summary>
    Gone = 6,

    /// <summary>Understood, but no common codec or feature (415, 501 by door).</summary>
    Unsupported = 7,

    /// <summary>No media node or store can take it now; try again (503).</summary>
    Unavailable = 8,

    /// <summary>A newer activation of the grain has taken over; only between grains and media nodes.</summary>
    Superseded = 9,
}

/// <summary>An expected failure. Bugs and lost silos are exceptions instead.</summary>
/// <param name="Code">The kind of failure.</param>
/// <param name="Message">One English sentence for the client's developer, without secrets.</param>
[GenerateSerializer, Immutable, Alias("vc.Fault")]
public sealed record Fault([property: Id(0)] FaultCode Code, [property: Id(1)] string Message);

/// <summary>Either a value or the reason why there is none.</summary>
[GenerateSerializer, Immutable, Alias("vc.Outcome`1")]
public sealed record Outcome<T>
{
    /// <summary>The result; meaningful only when <see cref="Fault"/> is null.</summary>
    [Id(0)]
    public T? Value { get; init; }

    /// <summary>The failure, or null.</summary>
    [Id(1)]
    public Fault? Fault { get; init; }

    /// <summary>Wraps a success.</summary>
    public static implicit operator Outcome<T>(T value) => new() { Value = value };

    /// <summary>Wraps a failure.</summary>
    public static implicit operator Outcome<T>(Fault fault) => new() { Fault = fault };
}

/// <summary>The value of an outcome that carries none.</summary>
[GenerateSerializer, Immutable, Alias("vc.Done")]
public sealed record Done
{
    /// <summary>The only instance that is needed.</summary>
    public static Done Instance { get; } = new();
}
