using System.Collections.Concurrent;

namespace VoiceCluster.Storage.Sqlite;

/// <summary>
/// The embedded database. One thread owns the connection and takes waiting operations together into one transaction, so
/// that one sync to disk commits many of them; each operation still succeeds or fails alone, inside a savepoint.
/// </summary>
public sealed class SqliteDatabase : IAsyncDisposable
{
    /// <summary>Operations of one transaction at most, so that the first does not wait for ever.</summary>
    private const int MaxBatch = 256;

    /// <summary>Operations that may wait; more are refused at once, since they could not be served in time.</summary>
    private const int MaxWaiting = 10_000;

    private readonly BlockingCollection<Operation> _operations = new(MaxWaiting);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SqliteConnection _connection;

    /// <summary>Opens or makes the file and brings its schema up to date.</summary>
    public SqliteDatabase(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
        {
            Directory.CreateDirectory(folder);
        }

        _connection = new SqliteConnection(path);
        SqliteSchema.Migrate(_connection);
        new Thread(Run) { IsBackground = true, Name = "sqlite" }.Start();
    }

    /// <summary>Runs an operation; the task ends after it is committed.</summary>
    internal Task<T> RunAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        var operation = new Operation<T>(work);
        return _operations.IsAddingCompleted || !_operations.TryAdd(operation, millisecondsTimeout: 0, cancellationToken)
            ? Task.FromException<T>(new StoreException("The database is closed or has too much to do."))
            : operation.Done;
    }

    /// <summary>Commits what waits, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _operations.CompleteAdding();
        await _ended.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        var batch = new List<Operation>(MaxBatch);
        foreach (var first in _operations.GetConsumingEnumerable())
        {
            batch.Add(first);
            while (batch.Count < MaxBatch && _operations.TryTake(out var next))
            {
                batch.Add(next);
            }

            Commit(batch);
            batch.Clear();
        }

        _connection.Dispose();
        _ended.SetResult();
    }

    private void Commit(List<Operation> batch)
    {
        try
        {
            _connection.Execute("BEGIN IMMEDIATE");
            foreach (var operation in batch)
            {
                _connection.Execute("SAVEPOINT operation");
                if (!operation.TryRun(_connection))
                {
                    _connection.Execute("ROLLBACK TO operation");
                }

                _connection.Execute("RELEASE operation");
            }

            _connection.Execute("COMMIT");
        }
        catch (StoreException e)
        {
            // The transaction as a whole failed (disk full, for instance): nobody's operation happened.
            TryRollBack();
            foreach (var operation in batch)
            {
                operation.Fail(e);
            }

            return;
        }

        foreach (var operation in batch)
        {
            operation.Complete();
        }
    }

    private void TryRollBack()
    {
        try
        {
            _connection.Execute("ROLLBACK");
        }
        catch (StoreException)
        {
            // SQLite has rolled back by itself on some errors; then there is no transaction to end.
            return;
        }
    }

    private abstract class Operation
    {
        /// <summary>Runs it; false when it failed and must be undone.</summary>
        public abstract bool TryRun(SqliteConnection connection);

        /// <summary>Tells the caller, after the commit.</summary>
        public abstract void Complete();

        /// <summary>Tells the caller that nothing was committed.</summary>
        public abstract void Fail(Exception exception);
    }

    private sealed class Operation<T>(Func<SqliteConnection, T> work) : Operation
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;
        private Exception? _failure;

        public Task<T> Done => _done.Task;

        public override bool TryRun(SqliteConnection connection)
        {
            try
            {
                _result = work(connection);
                return true;
            }
            catch (Exception e)
            {
                _failure = e;
                return false;
            }
        }

        public override void Complete()
        {
            if (_failure is null)
            {
                _done.SetResult(_result);
            }
            else
            {
                _done.SetException(_failure);
            }
        }

        public override void Fail(Exception exception) => _done.TrySetException(_failure ?? exception);
    }
}
