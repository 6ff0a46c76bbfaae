using Orleans.Runtime.Networking;

namespace Orleans.Runtime;

/// <summary>
/// Runs the tasks of one activation one at a time, in the order they were queued, on the thread pool. Continuations of
/// awaits inside the activation come back here, so that its state needs no lock.
/// </summary>
internal sealed class ActivationScheduler(IGrainContext context) : TaskScheduler, IThreadPoolWorkItem
{
    /// <summary>Tasks run in one go before the thread is given back, so that one busy activation starves nobody.</summary>
    private const int Quantum = 64;

    private readonly Queue<Task> _tasks = new();
    private bool _isRunning;

    /// <inheritdoc/>
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Starts an action as a turn.</summary>
    public void Queue(Action<object?> action, object? state) =>
        new Task(action, state).Start(this);

    /// <inheritdoc/>
    public void Execute()
    {
        var before = RuntimeContext.Current;
        RuntimeContext.Current = context;
        try
        {
            for (var i = 0; i < Quantum; i++)
            {
                Task? task;
                lock (_tasks)
                {
                    if (!_tasks.TryDequeue(out task))
                    {
                        _isRunning = false;
                        return;
                    }
                }

                TryExecuteTask(task);
            }
        }
        finally
        {
            RuntimeContext.Current = before;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        lock (_tasks)
        {
            _tasks.Enqueue(task);
            if (_isRunning)
            {
                return;
            }

            _isRunning = true;
        }

        HeldWork.Queue(this);
    }

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && ReferenceEquals(RuntimeContext.Current, context) && TryExecuteTask(task);

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_tasks)
        {
            return [.. _tasks];
        }
    }
}
