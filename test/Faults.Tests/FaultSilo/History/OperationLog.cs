using System.Diagnostics;

namespace VoiceCluster.Faults.History;

/// <summary>Collects the operations of a run. With a file, what a killed process has asked is known as well.</summary>
public sealed class OperationLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Operation> _operations = [];
    private readonly StreamWriter? _file;

    /// <summary>In memory, and in a file when there is one.</summary>
    public OperationLog(string? file = null) => _file = file is null ? null : new StreamWriter(file, append: true) { AutoFlush = true };

    /// <summary>What was asked and has ended.</summary>
    public Operation[] Operations
    {
        get
        {
            lock (_lock)
            {
                return [.. _operations];
            }
        }
    }

    /// <summary>The operations of a file. What has not ended by then has an unknown outcome.</summary>
    public static IEnumerable<Operation> Read(string file)
    {
        var open = new Dictionary<string, Operation>();
        foreach (var line in File.ReadLines(file))
        {
            // The last line of a process that was killed may be half of one.
            if (line.Length == 0 || line.Split('\t').Length != 11)
            {
                continue;
            }

            var operation = Operation.Parse(line);
            if (operation.Returned == 0)
            {
                open[operation.Client] = operation with { Outcome = Outcome.Unknown, Returned = long.MaxValue };
            }
            else
            {
                open.Remove(operation.Client);
                yield return operation;
            }
        }

        foreach (var operation in open.Values)
        {
            yield return operation;
        }
    }

    /// <summary>Notes that a client begins to ask.</summary>
    public Operation Begin(string client, string key, OperationKind kind, long argument, bool isFinal)
    {
        var operation = new Operation(client, key, kind, argument, Stopwatch.GetTimestamp(), 0, Outcome.Unknown, 0, Guid.Empty, "", isFinal);
        if (_file is not null)
        {
            lock (_lock)
            {
                _file.WriteLine(operation.ToLine());
            }
        }

        return operation;
    }

    /// <summary>Notes how it ended.</summary>
    public void End(Operation operation)
    {
        operation = operation with { Returned = Stopwatch.GetTimestamp() };
        lock (_lock)
        {
            _operations.Add(operation);
            _file?.WriteLine(operation.ToLine());
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
