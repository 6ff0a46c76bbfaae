using Microsoft.Extensions.Logging;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Users;

/// <summary>An account. The name is claimed first: a crash between the two leaves a name that only its claimant can take.</summary>
public sealed partial class AccountGrain(
    [PersistentState("account", GrainStores.Users)] IPersistentState<AccountState> store,
    TimeProvider time,
    ILogger<AccountGrain> logger) : Grain, IAccountGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<AccountInfo>> CreateAsync(string username) =>
        store.State.Account is not null ? new Fault(FaultCode.Conflict, "The user has an account already.") : await MakeAsync(username);

    /// <inheritdoc/>
    public async Task<Outcome<AccountInfo>> EnsureAsync(string username) =>
        store.State.Account is { } account ? account : await MakeAsync(username);

    /// <inheritdoc/>
    public Task<Outcome<AccountInfo>> GetAsync() =>
        Task.FromResult<Outcome<AccountInfo>>(store.State.Account is { } account ? account : new Fault(FaultCode.NotFound, "The user does not exist."));

    private async Task<Outcome<AccountInfo>> MakeAsync(string username)
    {
        var claimed = await GrainFactory.GetGrain<IUsernameGrain>(username).ClaimAsync(this.GetPrimaryKey());
        if (claimed.Fault is { } taken)
        {
            return taken;
        }

        store.State.Account = new AccountInfo(this.GetPrimaryKey(), username, time.GetUtcNow());
        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            store.State.Account = null;
            LogStoreAway(logger, e, this.GetPrimaryKey());
            return new Fault(FaultCode.Unavailable, "The account cannot be stored now. Try again.");
        }

        return store.State.Account;
    }

    [LoggerMessage(4380, LogLevel.Warning, "Account {User}: the store does not take it, so it was not made")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, Guid user);
}

/// <summary>A username.</summary>
public sealed partial class UsernameGrain(
    [PersistentState("username", GrainStores.Users)] IPersistentState<UsernameState> store,
    ILogger<UsernameGrain> logger) : Grain, IUsernameGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<Done>> ClaimAsync(Guid userId)
    {
        if (store.State.UserId is { } owner)
        {
            return owner == userId ? Done.Instance : new Fault(FaultCode.Conflict, "The username is taken.");
        }

        store.State.UserId = userId;
        try
        {
            await store.WriteStateAsync();
            return Done.Instance;
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            store.State.UserId = null;
            LogStoreAway(logger, e);
            return new Fault(FaultCode.Unavailable, "The username cannot be stored now. Try again.");
        }
    }

    [LoggerMessage(4381, LogLevel.Warning, "A username: the store does not take it, so it was not claimed")]
    private static partial void LogStoreAway(ILogger logger, Exception exception);
}

/// <summary>An account as it is stored.</summary>
[GenerateSerializer, Alias("vc.AccountState")]
public sealed class AccountState
{
    /// <summary>Null before it was made.</summary>
    [Id(0)]
    public AccountInfo? Account { get; set; }
}

/// <summary>A username as it is stored.</summary>
[GenerateSerializer, Alias("vc.UsernameState")]
public sealed class UsernameState
{
    /// <summary>Whose it is; null while it is free.</summary>
    [Id(0)]
    public Guid? UserId { get; set; }
}
