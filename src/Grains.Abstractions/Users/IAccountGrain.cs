using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Users;

/// <summary>What a user is called, keyed by the user id.</summary>
[Alias("vc.IAccountGrain")]
public interface IAccountGrain : IGrainWithGuidKey
{
    /// <summary>Makes the account. Conflict when the name is taken, or the user has an account already.</summary>
    Task<Outcome<AccountInfo>> CreateAsync(string username);

    /// <summary>The account, made when the user has none. Conflict when the name is another user's.</summary>
    Task<Outcome<AccountInfo>> EnsureAsync(string username);

    /// <summary>The account, or NotFound.</summary>
    [AlwaysInterleave]
    Task<Outcome<AccountInfo>> GetAsync();
}

/// <summary>Whose a username is, keyed by it.</summary>
[Alias("vc.IUsernameGrain")]
public interface IUsernameGrain : IGrainWithStringKey
{
    /// <summary>Takes the name. Conflict when it is another user's; taking it twice is no error.</summary>
    Task<Outcome<Done>> ClaimAsync(Guid userId);
}

/// <summary>An account.</summary>
[GenerateSerializer, Immutable, Alias("vc.AccountInfo")]
public sealed record AccountInfo([property: Id(0)] Guid Id, [property: Id(1)] string Username, [property: Id(2)] DateTimeOffset CreatedAt);
