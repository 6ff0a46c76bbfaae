using Npgsql;

namespace VoiceCluster.Storage.PostgreSql;

/// <summary>
/// Work for which somebody waits. When nobody does any more, its caller has been told that it failed, and it must not commit. A commit that was sent
/// already holds its locks, and who reads the row waits for it.
/// </summary>
internal sealed class PostgresAttempt(CancellationToken abandoned)
{
    private bool _mayHaveCommitted;

    /// <summary>Whether nothing of it can be in the database, and somebody waits for it.</summary>
    public bool MayBeRepeated => !_mayHaveCommitted && !abandoned.IsCancellationRequested;

    /// <summary>Commits, unless nobody waits any more.</summary>
    public Task CommitAsync(NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        abandoned.ThrowIfCancellationRequested();
        _mayHaveCommitted = true;
        return transaction.CommitAsync(cancellationToken);
    }
}
