using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Users;

/// <summary>The shell of <see cref="UserDevices"/>, and the holder of the user's claim.</summary>
public sealed class UserGrain(
    [PersistentState("user", GrainStores.Users)] IPersistentState<UserState> store,
    IOptions<CallOptions> options,
    TimeProvider time) : Grain, IUserGrain
{
    private static readonly TimeSpan SweepPeriod = TimeSpan.FromSeconds(5);

    /// <summary>Notices that wait for the user's connections to be known again.</summary>
    private const int MaxHeld = 64;

    private readonly List<(UserNotice Notice, NoticeAudience Audience)> _held = [];
    private readonly UserDevices _devices = new(options.Value.MaxConnectionsPerUser);
    private DateTimeOffset _activatedAt;
    private bool _hadDevices;
    private IGrainTimer? _sweep;
    private bool _isInDoubt;

    /// <inheritdoc/>
    public async Task<ClaimResult> TryEnterCallAsync(CallClaim claim)
    {
        if (_isInDoubt)
        {
            // The last write gave no answer, but may have happened. Devices are not stored, so the activation goes on.
            await store.ReadStateAsync();
            _isInDoubt = false;
        }

        if (await ClaimSlot.FindBlockingAsync(GrainFactory, store.State.Claim, claim.CallId) is { } blocking)
        {
            return new ClaimResult(blocking);
        }

        if (store.State.Claim?.CallId != claim.CallId)
        {
            var before = store.State.Claim;
            store.State.Claim = claim;
            try
            {
                await store.WriteStateAsync();
            }
            catch (Exception)
            {
                store.State.Claim = before;
                _isInDoubt = true;
                throw;
            }
        }

        return new ClaimResult(null);
    }

    /// <inheritdoc/>
    public async Task<ClaimResult> PeekCallAsync() =>
        new(await ClaimSlot.FindBlockingAsync(GrainFactory, store.State.Claim, null));

    /// <inheritdoc/>
    public Task LeaveCallAsync(Guid callId)
    {
        if (store.State.Claim?.CallId == callId)
        {
            // Not written: a stored claim of a call that is over is disproved by asking the call.
            store.State.Claim = null;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task ConnectAsync(UserConnection connection, IUserObserver observer)
    {
        await TouchAsync(connection, observer);
        if (store.State.Claim is { } claim
            && await GrainFactory.GetGrain<ICallGrain>(claim.CallId).FindAsync() is { IsOver: false } call
            && call.Find(this.GetPrimaryKey()) is { Status: CallPartyStatus.Ringing })
        {
            await observer.OnNoticeAsync(new CallChanged(CallChange.Ringing, call, call.CallerId));
        }
    }

    /// <inheritdoc/>
    public Task RenewAsync(UserConnection connection, IUserObserver observer) =>
        _devices.Knows(connection.Id) ? TouchAsync(connection, observer) : ConnectAsync(connection, observer);

    /// <inheritdoc/>
    public async Task DisconnectAsync(Guid connectionId)
    {
        if (_devices.Remove(connectionId) && !_devices.IsAny)
        {
            await PresenceChangedAsync();
        }
    }

    /// <inheritdoc/>
    public async Task PushAsync(UserNotice notice, NoticeAudience audience)
    {
        if (!_hadDevices && time.GetUtcNow() - _activatedAt < UserLease.RenewEvery && _held.Count < MaxHeld)
        {
            // The activation is new, and its doors have not told it yet which connections there are. That it rings is told to each that comes.
            if (notice is not CallChanged { Change: CallChange.Ringing })
            {
                _held.Add((notice, audience));
            }

            return;
        }

        foreach (var observer in _devices.Select(audience))
        {
            await observer.OnNoticeAsync(notice);
        }
    }

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _activatedAt = time.GetUtcNow();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> IsConnectedAsync() => Task.FromResult(_devices.IsAny);

    private async Task TouchAsync(UserConnection connection, IUserObserver observer)
    {
        var wasAny = _devices.IsAny;
        _hadDevices = true;
        _devices.Touch(connection, observer, time.GetUtcNow());
        _sweep ??= this.RegisterGrainTimer(SweepAsync, new GrainTimerCreationOptions(SweepPeriod, SweepPeriod) { KeepAlive = true });
        if (wasAny)
        {
            return;
        }

        (UserNotice Notice, NoticeAudience Audience)[] held = [.. _held];
        _held.Clear();
        foreach (var (notice, audience) in held)
        {
            await PushAsync(notice, audience);
        }

        await PresenceChangedAsync();
    }

    private async Task SweepAsync()
    {
        if (_devices.Sweep(time.GetUtcNow()) && !_devices.IsAny)
        {
            await PresenceChangedAsync();
        }

        if (!_devices.IsAny)
        {
            _sweep?.Dispose();
            _sweep = null;
        }
    }

    /// <summary>One-way: nobody waits for the call, which may be waiting for this user.</summary>
    private Task PresenceChangedAsync() => store.State.Claim is { } claim
        ? GrainFactory.GetGrain<ICallGrain>(claim.CallId).PresenceChangedAsync(this.GetPrimaryKey())
        : Task.CompletedTask;
}
