using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.Users;

namespace VoiceCluster.Grains.Calls;

/// <summary>
/// The shell of <see cref="Call"/>: it claims, stores, tells and keeps time. Every change is stored before anybody hears
/// of it, and a change that the store refuses has not happened. The state alone decides whether time is up: grain
/// timers are for precision, the reminder brings the call back after its silo was lost.
/// </summary>
public sealed partial class CallGrain : Grain, ICallGrain, IRemindable
{
    private const string ReminderName = "call";

    // Orleans reminders tick once a minute at most.
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    // After the ring time's own timer, which it stands in for when that is lost.
    private static readonly TimeSpan ReminderDelay = TimeSpan.FromSeconds(2);

    // How soon a timer tries again when the store refused.
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    // Users report their coming and going themselves; this finds what was lost with a silo.
    private static readonly TimeSpan PresencePeriod = TimeSpan.FromSeconds(10);

    private readonly IPersistentState<CallState> _store;
    private readonly CallOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CallGrain> _logger;
    private readonly HeldSignals _held;
    private readonly Dictionary<Guid, CallOrigin> _origins = [];
    private CallInfo? _call;
    private CallClaims _claims = null!;
    private bool _isStarting;
    private bool _hasRoom;
    private IGrainTimer? _ringTimer;
    private IGrainTimer? _presenceTimer;
    private DateTimeOffset? _goneSince;

    /// <summary>Orleans makes it.</summary>
    public CallGrain(
        [PersistentState("call", GrainStores.Calls)] IPersistentState<CallState> store,
        IOptions<CallOptions> options,
        TimeProvider time,
        ILogger<CallGrain> logger)
    {
        _store = store;
        _options = options.Value;
        _time = time;
        _logger = logger;
        _held = new HeldSignals(_options.MaxHeldSignals, _options.MaxHeldCharacters);
    }

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _claims = new CallClaims(this.GetPrimaryKey(), GrainFactory, _logger);
        _call = _store.State.Call;
        KeepTime();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallStarted>> StartAsync(StartCall request)
    {
        if (!await TrySettleAsync())
        {
            return Unavailable();
        }

        if (_call is not null || _isStarting)
        {
            return new Fault(FaultCode.Conflict, "The call exists already.");
        }

        if (CheckStart(request) is { } invalid)
        {
            return invalid;
        }

        // Those whom the call claims ask it whether it lives; it does from here on.
        _isStarting = true;
        try
        {
            var claims = await _claims.EnterAsync(request);
            if (claims.Fault is { } fault)
            {
                return fault;
            }

            if (claims.ActiveCallId is { } active)
            {
                return new CallStarted(null, active);
            }

            _origins[request.CallerId] = request.Origin;
            var call = Call.Start(this.GetPrimaryKey(), request, claims.Busy, _time.GetUtcNow(), _options.RingTimeout);
            if (!call.Info.IsOver)
            {
                // Before the state: a reminder of a call that never began ends itself, a ringing call without one would ring for ever.
                await this.RegisterOrUpdateReminder(ReminderName, _options.RingTimeout + ReminderDelay, ReminderPeriod);
            }

            await CommitAsync(call);
            return new CallStarted(call.Info, null);
        }
        catch (Exception e) when (_call is null && e is not InconsistentStateException)
        {
            LogNotStarted(_logger, e, this.GetPrimaryKey());
            await _claims.AbandonAsync(request.ChatId);
            return Unavailable();
        }
        finally
        {
            _isStarting = false;
        }
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallInfo>> AcceptAsync(Guid userId, CallOrigin origin)
    {
        if (!await TrySettleAsync())
        {
            return Unavailable();
        }

        return TakeConfirmed(userId, origin)
            ?? await ChangeAsync(call => call.Accept(userId, origin, _time.GetUtcNow()), new Answer(userId, origin));
    }

    /// <inheritdoc/>
    public Task<Outcome<CallInfo>> RejectAsync(Guid userId, CallOrigin origin) =>
        ChangeAsync(call => call.Reject(userId, origin, _time.GetUtcNow()));

    /// <inheritdoc/>
    public Task<Outcome<CallInfo>> HangupAsync(Guid userId) => ChangeAsync(call => call.Hangup(userId, _time.GetUtcNow()));

    /// <inheritdoc/>
    public Task<Outcome<CallInfo>> ConnectedAsync(Guid userId) => ChangeAsync(call => call.Connected(userId, _time.GetUtcNow()));

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SignalAsync(SendCallSignal signal)
    {
        if (_call is null)
        {
            return NotFound();
        }

        var route = new Call(_call).RouteSignal(signal.From);
        if (route.Fault is { } fault)
        {
            return fault;
        }

        _origins[signal.From] = signal.Origin;
        if (route.Value is { } to)
        {
            await DeliverAsync(signal, to);
            return Done.Instance;
        }

        return _held.TryAdd(signal)
            ? Done.Instance
            : new Fault(FaultCode.Conflict, "The call is not answered yet, and too many signals wait for the answer.");
    }

    /// <inheritdoc/>
    public Task<Outcome<CallInfo>> GetAsync(Guid userId) => Task.FromResult<Outcome<CallInfo>>(
        _call is null ? NotFound()
        : _call.Find(userId) is null ? new Fault(FaultCode.Forbidden, "The user has no part in this call.")
        : _call);

    /// <inheritdoc/>
    public Task<CallInfo?> FindAsync() => Task.FromResult(_call);

    /// <inheritdoc/>
    public Task<CallInfo?> OpenRoomAsync()
    {
        _hasRoom = true;
        return Task.FromResult(_call);
    }

    /// <inheritdoc/>
    public Task<bool> IsLiveAsync() => Task.FromResult(_isStarting || _call is { IsOver: false });

    /// <inheritdoc/>
    public Task PresenceChangedAsync(Guid userId) => CheckPresenceAsync();

    /// <inheritdoc/>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (!await TrySettleAsync())
        {
            return;
        }

        if (_call is null or { IsOver: true })
        {
            await StopReminderAsync();
            return;
        }

        await CheckRingTimeAsync();
        await CheckPresenceAsync();
    }

    private static Fault NotFound() => new(FaultCode.NotFound, "The requested call does not exist");

    private static Fault Unavailable() => new(FaultCode.Unavailable, "The call cannot be stored now. Try again.");

    private Fault? CheckStart(StartCall request)
    {
        Guid[] parties = [request.CallerId, .. request.RecipientIds];
        if (parties.Length < 2)
        {
            return new Fault(FaultCode.Invalid, "A call needs a recipient.");
        }

        if (parties.Distinct().Count() != parties.Length)
        {
            return new Fault(FaultCode.Invalid, "The recipients must be different users, and none of them the caller.");
        }

        return parties.Length > _options.MaxParties
            ? new Fault(FaultCode.Invalid, $"A call has {_options.MaxParties} parties at most.")
            : null;
    }

    /// <summary>Applies one request. What passing time changed on the way is stored even when the request is refused.</summary>
    private async Task<Outcome<CallInfo>> ChangeAsync(Func<Call, Fault?> change, Answer? answer = null)
    {
        if (!await TrySettleAsync())
        {
            return Unavailable();
        }

        if (_call is null)
        {
            return NotFound();
        }

        var call = new Call(_call);
        var fault = change(call);
        if (call.Events.Count > 0 && !await TryCommitAsync(call, fault is null ? answer : null))
        {
            return Unavailable();
        }

        return fault is null ? call.Info : fault;
    }

    private async Task<bool> TryCommitAsync(Call call, Answer? answer = null)
    {
        try
        {
            await CommitAsync(call, answer);
            return true;
        }
        catch (Exception e) when (e is not InconsistentStateException)
        {
            LogStoreAway(_logger, e, call.Info.Id);
            return false;
        }
    }

    /// <summary>Stores the call with its events, then tells the parties and gives free whom it no longer has.</summary>
    private async Task CommitAsync(Call call, Answer? answer = null)
    {
        var stored = _store.State;
        _store.State = new CallState
        {
            Call = call.Info,
            PendingEvents = [.. stored.PendingEvents.Concat(call.Events).TakeLast(CallState.MaxPendingEvents)],
        };
        try
        {
            await _store.WriteStateAsync();
        }
        catch (Exception e)
        {
            _store.State = stored;
            if (e is not InconsistentStateException)
            {
                Doubt(call, answer);
            }

            throw;
        }

        await ConcludeAsync(call, answer);
    }

    /// <summary>What follows once a change is stored.</summary>
    private async Task ConcludeAsync(Call call, Answer? answer)
    {
        var before = _call;
        _call = call.Info;
        LogChanged(_logger, call.Info.Id, call.Info.Status, call.Info.EndReason);
        KeepTime();
        foreach (var notice in call.Notices)
        {
            await PushAsync(notice.UserId, notice.Notice, notice.Audience);
        }

        if (_hasRoom && (call.Info.IsOver || call.Freed(before).Any()))
        {
            await GrainFactory.GetGrain<IRoomGrain>(call.Info.Room).CallChangedAsync(call.Info);
        }

        if (call.Info.IsOver)
        {
            _held.TakeAll();
            await _claims.ReleaseAsync(call.Info);
            await StopReminderAsync();
        }
        else
        {
            await _claims.FreeAsync(call.Freed(before));
        }

        if (answer is not null)
        {
            _origins[answer.UserId] = answer.Origin;
            foreach (var signal in _held.TakeAll())
            {
                await DeliverAsync(signal, answer.UserId);
            }
        }
    }

    private Task DeliverAsync(SendCallSignal signal, Guid to) => PushAsync(
        to,
        new CallSignalled(_call!.Id, signal.From, signal.Kind, signal.PayloadJson),
        new NoticeAudience(Only: _origins.GetValueOrDefault(to)));

    /// <summary>A user who cannot be reached does not undo what is stored: its devices ask for the call when they are back.</summary>
    private async Task PushAsync(Guid userId, UserNotice notice, NoticeAudience audience)
    {
        try
        {
            await GrainFactory.GetGrain<IUserGrain>(userId).PushAsync(notice, audience);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            LogNotTold(_logger, e, this.GetPrimaryKey(), userId);
        }
    }

    [LoggerMessage(4210, LogLevel.Information, "Call {Call}: {Status} ({Reason})")]
    private static partial void LogChanged(ILogger logger, Guid call, CallStatus status, CallEndReason? reason);

    [LoggerMessage(4211, LogLevel.Warning, "Call {Call}: not started, the cluster or the store is away")]
    private static partial void LogNotStarted(ILogger logger, Exception exception, Guid call);

    [LoggerMessage(4212, LogLevel.Warning, "Call {Call}: the store does not take the change")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, Guid call);

    [LoggerMessage(4213, LogLevel.Warning, "Call {Call}: user {User} could not be told")]
    private static partial void LogNotTold(ILogger logger, Exception exception, Guid call, Guid user);
}
