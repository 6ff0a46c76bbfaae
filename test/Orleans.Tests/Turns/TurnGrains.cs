using Orleans.Concurrency;
using Orleans.Serialization.Invocation;

namespace VoiceCluster.Engine.Tests.Turns;

public interface ITurnGrain : IGrainWithStringKey
{
    /// <summary>Logs its start, waits for the gate, logs its end.</summary>
    Task HoldAsync(string name);

    [ReadOnly]
    Task ReadAsync(string name);

    [AlwaysInterleave]
    Task<string> PeekAsync();

    [OneWay]
    Task NoteAsync(int number);

    [OneWay]
    Task FailUnseenAsync();

    [ResponseTimeout("00:00:00.200")]
    Task HoldBrieflyAsync();

    Task HoldUntilCanceledAsync(CancellationToken cancellationToken);

    ValueTask<int> AddAsync(int left, int right);

    /// <summary>Counts up in several turns without a lock, and answers whether the scheduler stayed the activation's.</summary>
    Task<bool> CountAsync();

    Task<int> GetCountAsync();
}

public interface IReentrantGrain : ITurnGrain;

public interface ISelectiveGrain : ITurnGrain;

public interface IWorkerGrain : ITurnGrain;

public abstract class TurnGrainBase : Grain, ITurnGrain
{
    private readonly Probe _probe;
    private int _count;

    protected TurnGrainBase()
    {
        _probe = Probe.Of(this.GetPrimaryKeyString());
        _probe.Increment();
    }

    public async Task HoldAsync(string name)
    {
        _probe.Add($"{name} starts");
        await _probe.Gate;
        _probe.Add($"{name} ends");
    }

    public Task ReadAsync(string name) => HoldAsync(name);

    public Task<string> PeekAsync() => Task.FromResult(string.Join(", ", _probe.Log));

    public async Task NoteAsync(int number)
    {
        await Task.Yield();
        _probe.Add($"{number}");
    }

    public Task FailUnseenAsync()
    {
        _probe.Add("failed");
        throw new InvalidOperationException("nobody sees it");
    }

    public Task HoldBrieflyAsync() => _probe.Gate;

    public async Task HoldUntilCanceledAsync(CancellationToken cancellationToken)
    {
        _probe.Add("waits");
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
    }

    public ValueTask<int> AddAsync(int left, int right) => new(left + right);

    public async Task<bool> CountAsync()
    {
        var scheduler = TaskScheduler.Current;
        var same = scheduler != TaskScheduler.Default;
        for (var i = 0; i < 10; i++)
        {
            _count++;
            await Task.Yield();
            same &= TaskScheduler.Current == scheduler;
            await Task.Run(static () => { });
            same &= TaskScheduler.Current == scheduler;
        }

        return same;
    }

    public Task<int> GetCountAsync() => Task.FromResult(_count);
}

public sealed class TurnGrain : TurnGrainBase;

[Reentrant]
public sealed class ReentrantGrain : TurnGrainBase, IReentrantGrain;

[MayInterleave(nameof(MayInterleave))]
public sealed class SelectiveGrain : TurnGrainBase, ISelectiveGrain
{
    public static bool MayInterleave(IInvokable request) =>
        request.GetMethodName() == nameof(HoldAsync) && (string?)request.GetArgument(0) == "guest";
}

[StatelessWorker(2)]
public sealed class WorkerGrain : TurnGrainBase, IWorkerGrain;

public interface IChainGrain : IGrainWithStringKey
{
    /// <summary>Calls the other grain, which calls back, in a section that allows it.</summary>
    Task<int> CallAroundAsync(string other);

    Task<int> CallBackAsync(string first);

    Task<int> AnswerAsync();

    /// <summary>The same without the section: nobody answers, so nobody waits long.</summary>
    [ResponseTimeout("00:00:00.500")]
    Task<int> CallAroundUnallowedAsync(string other);

    [ResponseTimeout("00:00:00.500")]
    Task<int> CallBackUnallowedAsync(string first);

    [ResponseTimeout("00:00:00.500")]
    Task<int> AnswerUnallowedAsync();
}

public sealed class ChainGrain : Grain, IChainGrain
{
    public async Task<int> CallAroundAsync(string other)
    {
        using var section = RequestContext.AllowCallChainReentrancy();
        return await GrainFactory.GetGrain<IChainGrain>(other).CallBackAsync(this.GetPrimaryKeyString());
    }

    public Task<int> CallBackAsync(string first) => GrainFactory.GetGrain<IChainGrain>(first).AnswerAsync();

    public Task<int> CallAroundUnallowedAsync(string other) => GrainFactory.GetGrain<IChainGrain>(other).CallBackUnallowedAsync(this.GetPrimaryKeyString());

    public Task<int> CallBackUnallowedAsync(string first) => GrainFactory.GetGrain<IChainGrain>(first).AnswerUnallowedAsync();

    public Task<int> AnswerUnallowedAsync() => AnswerAsync();

    public Task<int> AnswerAsync() => Task.FromResult(42);
}
