namespace VoiceCluster.Engine.Tests.Clustering;

/// <summary>What a grain answers about itself.</summary>
[GenerateSerializer, Immutable, Alias("test.Whereabouts")]
public sealed record Whereabouts([property: Id(0)] string Silo, [property: Id(1)] Guid Activation, [property: Id(2)] string Text);

public interface IPlaceGrain : IGrainWithIntegerKey
{
    Task<Whereabouts> WhereAsync(string text);

    Task<string> FailAsync(string message);

    Task<bool> WaitForCancellationAsync(CancellationToken cancellationToken);

    Task NeverAsync();

    Task<string?> ContextAsync(string key);

    Task<Whereabouts> AskAsync(long other);

    Task SubscribeAsync(IPlaceObserver observer);

    Task NotifyAsync(int first, int count);

    Task DeactivateAsync();
}

public interface IPlaceObserver : IGrainObserver
{
    Task OnNumberAsync(int number);
}

public sealed class PlaceGrain(IGrainRuntime runtime) : Grain, IPlaceGrain
{
    private readonly Guid _activation = Guid.NewGuid();
    private IPlaceObserver? _observer;

    public Task<Whereabouts> WhereAsync(string text) => Task.FromResult(new Whereabouts(runtime.SiloIdentity, _activation, text));

    public Task<string> FailAsync(string message) => throw new InvalidOperationException(message);

    public async Task<bool> WaitForCancellationAsync(CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource<bool>();
        await using var registration = cancellationToken.Register(() => cancelled.TrySetResult(true));
        Cancelled.Waiting.TrySetResult();
        var result = await cancelled.Task;
        Cancelled.Seen.TrySetResult();
        return result;
    }

    public Task NeverAsync() => new TaskCompletionSource().Task;

    public Task<string?> ContextAsync(string key) => Task.FromResult(RequestContext.Get(key) as string);

    public Task<Whereabouts> AskAsync(long other) => GrainFactory.GetGrain<IPlaceGrain>(other).WhereAsync("asked");

    public Task SubscribeAsync(IPlaceObserver observer)
    {
        _observer = observer;
        return Task.CompletedTask;
    }

    public async Task NotifyAsync(int first, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await _observer!.OnNumberAsync(first + i);
        }
    }

    public Task DeactivateAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

/// <summary>Seen from both ends, because they share the process.</summary>
internal static class Cancelled
{
    public static TaskCompletionSource Waiting { get; set; } = new();

    public static TaskCompletionSource Seen { get; set; } = new();
}
