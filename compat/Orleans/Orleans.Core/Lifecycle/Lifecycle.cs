namespace Orleans
{
    /// <summary>Something whose parts start in ascending stages and stop in descending ones.</summary>
    public interface ILifecycleObservable
    {
        /// <summary>Adds a part.</summary>
        IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer);
    }

    /// <summary>A part of a lifecycle.</summary>
    public interface ILifecycleObserver
    {
        /// <summary>Called at its stage of the start.</summary>
        Task OnStart(CancellationToken cancellationToken = default);

        /// <summary>Called at its stage of the stop.</summary>
        Task OnStop(CancellationToken cancellationToken = default);
    }

    /// <summary>A service that takes part in a lifecycle.</summary>
    public interface ILifecycleParticipant<TLifecycleObservable>
        where TLifecycleObservable : ILifecycleObservable
    {
        /// <summary>Subscribes.</summary>
        void Participate(TLifecycleObservable lifecycle);
    }

    /// <summary>Subscribes callbacks.</summary>
    public static class LifecycleExtensions
    {
        /// <summary>Subscribes callbacks for start and stop.</summary>
        public static IDisposable Subscribe(
            this ILifecycleObservable observable, string observerName, int stage, Func<CancellationToken, Task> onStart, Func<CancellationToken, Task>? onStop = null) =>
            observable.Subscribe(observerName, stage, new CallbackObserver(onStart, onStop));

        private sealed class CallbackObserver(Func<CancellationToken, Task> onStart, Func<CancellationToken, Task>? onStop) : ILifecycleObserver
        {
            public Task OnStart(CancellationToken cancellationToken) => onStart(cancellationToken);

            public Task OnStop(CancellationToken cancellationToken) => onStop?.Invoke(cancellationToken) ?? Task.CompletedTask;
        }
    }

    /// <summary>The stages of a silo.</summary>
    public static class ServiceLifecycleStage
    {
        /// <summary>The first.</summary>
        public const int First = int.MinValue;

        /// <summary>Runtime services.</summary>
        public const int RuntimeInitialize = 2_000;

        /// <summary>More runtime services.</summary>
        public const int RuntimeServices = 4_000;

        /// <summary>Storage.</summary>
        public const int RuntimeStorageServices = 6_000;

        /// <summary>Grain services such as reminders.</summary>
        public const int RuntimeGrainServices = 8_000;

        /// <summary>The application's services.</summary>
        public const int ApplicationServices = 10_000;

        /// <summary>Before the silo joins.</summary>
        public const int BecomeActive = Active - 1;

        /// <summary>The silo serves.</summary>
        public const int Active = 20_000;

        /// <summary>The last.</summary>
        public const int Last = int.MaxValue;
    }
}

namespace Orleans.Runtime
{
    /// <summary>The lifecycle of an activation.</summary>
    public interface IGrainLifecycle : ILifecycleObservable
    {
    }

    /// <summary>The lifecycle of a silo.</summary>
    public interface ISiloLifecycle : ILifecycleObservable
    {
    }

    /// <summary>The stages of an activation.</summary>
    public static class GrainLifecycleStage
    {
        /// <summary>The first.</summary>
        public const int First = int.MinValue;

        /// <summary>State is read.</summary>
        public const int SetupState = 1_000;

        /// <summary>OnActivateAsync runs, and OnDeactivateAsync.</summary>
        public const int Activate = Last - 1;

        /// <summary>The last.</summary>
        public const int Last = int.MaxValue;
    }

    /// <summary>Runs observers by stage.</summary>
    internal sealed class StagedLifecycle : IGrainLifecycle, ISiloLifecycle
    {
        private readonly List<Subscription> _subscriptions = [];
        private int _reached = int.MinValue;
        private bool _started;

        public IDisposable Subscribe(string observerName, int stage, ILifecycleObserver observer)
        {
            var subscription = new Subscription(this, stage, observer);
            lock (_subscriptions)
            {
                _subscriptions.Add(subscription);
            }

            return subscription;
        }

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            _started = true;
            foreach (var stage in Snapshot().GroupBy(s => s.Stage).OrderBy(g => g.Key))
            {
                _reached = stage.Key;
                foreach (var subscription in stage)
                {
                    await subscription.Observer.OnStart(cancellationToken);
                }
            }
        }

        /// <summary>Stops every stage that was reached; a failing part does not keep the others from stopping.</summary>
        public async Task StopAsync(Action<Exception> onError, CancellationToken cancellationToken)
        {
            if (!_started)
            {
                return;
            }

            foreach (var subscription in Snapshot().Where(s => s.Stage <= _reached).OrderByDescending(s => s.Stage))
            {
                try
                {
                    await subscription.Observer.OnStop(cancellationToken);
                }
                catch (Exception e)
                {
                    onError(e);
                }
            }
        }

        private Subscription[] Snapshot()
        {
            lock (_subscriptions)
            {
                return [.. _subscriptions];
            }
        }

        private sealed class Subscription(StagedLifecycle owner, int stage, ILifecycleObserver observer) : IDisposable
        {
            public int Stage => stage;

            public ILifecycleObserver Observer => observer;

            public void Dispose()
            {
                lock (owner._subscriptions)
                {
                    owner._subscriptions.Remove(this);
                }
            }
        }
    }
}
