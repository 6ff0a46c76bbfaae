using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>A running timer of an activation; disposing it stops it.</summary>
    public interface IGrainTimer : IDisposable
    {
        /// <summary>Sets when it fires next and how long after each callback's end it fires again.</summary>
        void Change(TimeSpan dueTime, TimeSpan period);
    }

    /// <summary>How a grain timer behaves.</summary>
    public readonly struct GrainTimerCreationOptions
    {
        /// <summary>A timer with those times.</summary>
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public GrainTimerCreationOptions(TimeSpan dueTime, TimeSpan period)
        {
            DueTime = dueTime;
            Period = period;
        }

        /// <summary>Time until the first callback; <see cref="Timeout.InfiniteTimeSpan"/> for none.</summary>
        public required TimeSpan DueTime { get; init; }

        /// <summary>Time from a callback's end to the next; <see cref="Timeout.InfiniteTimeSpan"/> for one callback only.</summary>
        public required TimeSpan Period { get; init; }

        /// <summary>Whether callbacks may run beside a request that waits. Default: they queue like a request.</summary>
        public bool Interleave { get; init; }

        /// <summary>Whether callbacks keep the activation from idle collection. Default: they do not.</summary>
        public bool KeepAlive { get; init; }
    }
}

namespace Orleans
{
    /// <summary>Starts timers. A timer ends with its activation.</summary>
    public static class GrainBaseExtensions
    {
        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, GrainTimerCreationOptions options)
        {
            ArgumentNullException.ThrowIfNull(callback);
            return grain.GrainContext.ActivationServices.GetRequiredService<IGrainRuntime>()
                .RegisterTimer(grain.GrainContext, callback, state, options);
        }

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, CancellationToken, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
            grain.RegisterGrainTimer(callback, state, Options(dueTime, period));

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, Task> callback, TState state, GrainTimerCreationOptions options) =>
            grain.RegisterGrainTimer(static (s, _) => s.callback(s.state), (callback, state), options);

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer<TState>(
            this IGrainBase grain, Func<TState, Task> callback, TState state, TimeSpan dueTime, TimeSpan period) =>
            grain.RegisterGrainTimer(callback, state, Options(dueTime, period));

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer(
            this IGrainBase grain, Func<CancellationToken, Task> callback, GrainTimerCreationOptions options) =>
            grain.RegisterGrainTimer(static (c, token) => c(token), callback, options);

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer(
            this IGrainBase grain, Func<CancellationToken, Task> callback, TimeSpan dueTime, TimeSpan period) =>
            grain.RegisterGrainTimer(callback, Options(dueTime, period));

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, GrainTimerCreationOptions options) =>
            grain.RegisterGrainTimer(static (c, _) => c(), callback, options);

        /// <summary>Starts a timer.</summary>
        public static IGrainTimer RegisterGrainTimer(this IGrainBase grain, Func<Task> callback, TimeSpan dueTime, TimeSpan period) =>
            grain.RegisterGrainTimer(callback, Options(dueTime, period));

        private static GrainTimerCreationOptions Options(TimeSpan dueTime, TimeSpan period) => new() { DueTime = dueTime, Period = period };
    }
}
