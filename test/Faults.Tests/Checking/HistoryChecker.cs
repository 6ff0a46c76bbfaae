using VoiceCluster.Faults.History;

namespace VoiceCluster.Faults.Tests.Checking;

/// <summary>What the engine promises, held against a history. See docs/faults.md.</summary>
public static class HistoryChecker
{
    /// <summary>What is wrong, with the operations of that grain; empty when nothing is.</summary>
    /// <param name="history">All operations of the run.</param>
    /// <param name="isWhole">
    /// Whether every silo that ran could always speak with every other: then reads from memory are as good as those of the
    /// store. Else they may be old, but only until the faults are over.
    /// </param>
    /// <param name="stored">What the store has in the end; null when it cannot be seen.</param>
    public static string[] Check(IReadOnlyCollection<Operation> history, bool isWhole, Func<string, long>? stored)
    {
        var violations = new List<string>();
        foreach (var grain in history.GroupBy(o => o.Key))
        {
            var trusted = grain.Where(o => isWhole || o.Kind != OperationKind.Read || o.IsFinal).ToArray();
            var end = stored?.Invoke(grain.Key);
            var violation = grain.First().IsOfCounter ? CounterChecker.Check(trusted, end) : RegisterChecker.Check(WithEnd(trusted, end));
            violation ??= isWhole ? FindTwin(grain) : null;
            if (violation is not null)
            {
                violations.Add($"{violation}\n{Print(grain)}");
            }
        }

        return [.. violations];
    }

    /// <summary>
    /// Two activations of which neither can have ended before the other began: each answered something that was asked after an answer
    /// of the other. An answer that was long on its way does not count against who gave it.
    /// </summary>
    public static string? FindTwin(IEnumerable<Operation> grain)
    {
        var activations = grain.Where(o => o.Outcome == Outcome.Ok).GroupBy(o => o.Activation)
            .Select(a => (a.Key, First: a.Min(o => o.Returned), Last: a.MaxBy(o => o.Invoked)!)).OrderBy(a => a.First).ToArray();
        for (var i = 0; i < activations.Length; i++)
        {
            foreach (var later in activations[(i + 1)..])
            {
                var earlier = activations[i];
                if (earlier.Last.Invoked > later.First && later.Last.Invoked > earlier.First)
                {
                    return $"{earlier.Last.Key}: activation {earlier.Key:N} still answered on {earlier.Last.Note} when {later.Key:N} did";
                }
            }
        }

        return null;
    }

    private static IEnumerable<Operation> WithEnd(Operation[] history, long? stored)
    {
        if (stored is not { } value || history.Length == 0)
        {
            return history;
        }

        var last = history.Max(o => Math.Max(o.Invoked, o.Returned == long.MaxValue ? 0 : o.Returned));
        return history.Append(new Operation(
            "the store", history[0].Key, OperationKind.ReadStored, 0, last + 1, last + 2, Outcome.Ok, value, Guid.Empty, "its end"));
    }

    private static string Print(IEnumerable<Operation> grain)
    {
        var operations = grain.OrderBy(o => o.Invoked).ToArray();
        var start = operations[0].Invoked;
        return string.Join('\n', operations.Select(o =>
            $"  {(o.Invoked - start) / 1e6,9:f3}..{(o.Returned == long.MaxValue ? double.NaN : (o.Returned - start) / 1e6),9:f3} ms {o.Client,-10} "
            + $"{(o.IsFinal ? "final " : "")}{o.Kind} {(o.Kind == OperationKind.Write ? o.Argument : "")} → {o.Outcome} {(o.Outcome == Outcome.Ok ? o.Value : "")} {o.Note} {(o.Outcome == Outcome.Ok ? o.Activation.ToString("N")[..6] : "")}"));
    }
}
