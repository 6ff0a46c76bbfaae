using System.Diagnostics.CodeAnalysis;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>Checks tokens, whichever way they came: header, query, subprotocol, Socket.IO handshake.</summary>
public interface ITokenValidator
{
    /// <summary>Verifies a token. An unacceptable one is a result, never an exception.</summary>
    ValueTask<TokenResult> ValidateAsync(string token, CancellationToken cancellationToken = default);
}

/// <summary>Why a token was refused. Clients hear no more than 401; the log and the metrics name the fault.</summary>
public enum TokenFault
{
    None,
    TooLong,
    Malformed,
    Algorithm,
    CriticalHeader,
    TokenType,
    UnknownKey,
    Signature,
    NotYetValid,
    Expired,
    NoExpiry,
    Issuer,
    Audience,
    Claims,

    /// <summary>The key set has never been read, so no verdict is possible: 503, not 401.</summary>
    KeysUnavailable,
}

/// <summary>A verified identity, or the fault that refused it.</summary>
public readonly record struct TokenResult(VoiceIdentity? Identity, TokenFault Fault)
{
    [MemberNotNullWhen(true, nameof(Identity))]
    public bool Succeeded => Identity is not null;

    public static TokenResult Refused(TokenFault fault) => new(null, fault);

    public static TokenResult Accepted(VoiceIdentity identity) => new(identity, TokenFault.None);
}
