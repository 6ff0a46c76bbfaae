namespace VoiceCluster.Abstractions.Calls;

/// <summary>What the parties want to send at first.</summary>
[GenerateSerializer]
public enum CallType
{
    Voice = 0,
    Video = 1,
}

/// <summary>The states of a call. The last four are final.</summary>
[GenerateSerializer]
public enum CallStatus
{
    Ringing = 0,
    Accepted = 1,
    Active = 2,
    Ended = 3,
    Rejected = 4,
    Missed = 5,
    Busy = 6,
}

/// <summary>Why a call is over.</summary>
[GenerateSerializer]
public enum CallEndReason
{
    /// <summary>The caller gave up while it rang.</summary>
    Cancelled = 0,

    /// <summary>A party hung up after the answer.</summary>
    HungUp = 1,

    /// <summary>Nobody who was called wanted it.</summary>
    Rejected = 2,

    /// <summary>The ring time passed.</summary>
    NoAnswer = 3,

    /// <summary>Everybody who was called was in another call.</summary>
    Busy = 4,

    /// <summary>No party was connected any more.</summary>
    ConnectionLost = 5,
}

/// <summary>What a party does in the call.</summary>
[GenerateSerializer]
public enum CallPartyStatus
{
    Ringing = 0,
    Joined = 1,
    Rejected = 2,
    Missed = 3,
    Busy = 4,
    Left = 5,
}

/// <summary>A party. The caller counts as joined from the start.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallParty")]
public sealed record CallParty([property: Id(0)] Guid UserId, [property: Id(1)] CallPartyStatus Status);

/// <summary>A call as it is now.</summary>
/// <param name="Parties">The caller first, then those who were called.</param>
/// <param name="ExpiresAt">When it stops ringing.</param>
/// <param name="EndedBy">Who ended it; null when time or a lost connection did.</param>
/// <param name="Version">Grows with each change.</param>
[GenerateSerializer, Immutable, Alias("vc.CallInfo")]
public sealed record CallInfo(
    [property: Id(0)] Guid Id,
    [property: Id(1)] Guid ChatId,
    [property: Id(2)] CallType Type,
    [property: Id(3)] CallStatus Status,
    [property: Id(4)] CallParty[] Parties,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] DateTimeOffset ExpiresAt,
    [property: Id(7)] DateTimeOffset? AnsweredAt,
    [property: Id(8)] DateTimeOffset? ActiveAt,
    [property: Id(9)] DateTimeOffset? EndedAt,
    [property: Id(10)] CallEndReason? EndReason,
    [property: Id(11)] Guid? EndedBy,
    [property: Id(12)] long Version)
{
    /// <summary>The caller's name as its token had it, for those who are rung; null when nobody gave one.</summary>
    [Id(13)]
    public string? CallerName { get; init; }

    /// <summary>Who called.</summary>
    public Guid CallerId => Parties[0].UserId;

    /// <summary>Three or more parties: their media is in the room <see cref="Room"/> instead of peer to peer.</summary>
    public bool IsGroup => Parties.Length > 2;

    /// <summary>Whether the call has reached a final state.</summary>
    public bool IsOver => Status is not (CallStatus.Ringing or CallStatus.Accepted or CallStatus.Active);

    /// <summary>The room of the call's media, when it goes through media nodes.</summary>
    public string Room => $"call:{Id}";

    /// <summary>The party of a user, or null.</summary>
    public CallParty? Find(Guid userId) => Array.Find(Parties, p => p.UserId == userId);
}

/// <summary>Which device of a user speaks.</summary>
/// <param name="Device">The same text for the requests and connections of one device.</param>
/// <param name="ConnectionId">The connection that the request came over, if it did.</param>
[GenerateSerializer, Immutable, Alias("vc.CallOrigin")]
public sealed record CallOrigin([property: Id(0)] string Device, [property: Id(1)] Guid? ConnectionId)
{
    /// <summary>Begins the device texts that were made of tokens: devices may share a token.</summary>
    public const string TokenPrefix = "t:";
}

/// <summary>Rings users.</summary>
[GenerateSerializer, Immutable, Alias("vc.StartCall")]
public sealed record StartCall(
    [property: Id(0)] Guid ChatId,
    [property: Id(1)] Guid CallerId,
    [property: Id(2)] Guid[] RecipientIds,
    [property: Id(3)] CallType Type,
    [property: Id(4)] CallOrigin Origin)
{
    /// <summary>The caller's name, to be shown to those who are rung.</summary>
    [Id(5)]
    public string? CallerName { get; init; }
}

/// <summary>Either the new call, or the one that stands in its way.</summary>
[GenerateSerializer, Immutable, Alias("vc.CallStarted")]
public sealed record CallStarted([property: Id(0)] CallInfo? Call, [property: Id(1)] Guid? ActiveCallId);

/// <summary>What is negotiated between the two parties.</summary>
[GenerateSerializer]
public enum CallSignalKind
{
    Offer = 0,
    Answer = 1,
    Candidate = 2,
}

/// <summary>A signal to pass on. The payload is the client's JSON; nobody here reads it.</summary>
[GenerateSerializer, Immutable, Alias("vc.SendCallSignal")]
public sealed record SendCallSignal(
    [property: Id(0)] Guid From,
    [property: Id(1)] CallOrigin Origin,
    [property: Id(2)] CallSignalKind Kind,
    [property: Id(3)] string PayloadJson);
