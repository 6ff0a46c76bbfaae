using VoiceCluster.Faults.History;

namespace VoiceCluster.Faults.Tests.Checking;

/// <summary>
/// Whether a counter has lost nothing: no two increments were told the same sum, sums only grow with time, and no sum is
/// below what was acknowledged before or above what was asked for by then.
/// </summary>
public static class CounterChecker
{
    /// <summary>Null when all is well; else what is not.</summary>
    /// <param name="history">The operations of one counter.</param>
    /// <param name="stored">What the store has in the end; null when it was not looked at.</param>
    public static string? Check(IEnumerable<Operation> history, long? stored)
    {
        var operations = history.ToArray();
        var increments = operations.Where(o => o.IsWrite && o.Outcome != Outcome.Failed).ToArray();
        var acknowledged = increments.Where(o => o.Outcome == Outcome.Ok).OrderBy(o => o.Value).ToArray();
        for (var i = 1; i < acknowledged.Length; i++)
        {
            if (acknowledged[i].Value == acknowledged[i - 1].Value)
            {
                return $"{acknowledged[i].Key}: {acknowledged[i - 1].Client} and {acknowledged[i].Client} were both told {acknowledged[i].Value}: one increment is lost";
            }
        }

        // In order of time: whoever was asked after another had answered knows of it.
        var highest = (Value: 0L, Operation: (Operation?)null);
        var answers = new PriorityQueue<Operation, long>();
        foreach (var operation in operations.Where(o => o.Outcome == Outcome.Ok).OrderBy(o => o.Invoked))
        {
            while (answers.TryPeek(out var earlier, out var returned) && returned < operation.Invoked)
            {
                answers.Dequeue();
                highest = earlier.Value > highest.Value ? (earlier.Value, earlier) : highest;
            }

            if (operation.Value < highest.Value || (operation.IsWrite && operation.Value == highest.Value))
            {
                return $"{operation.Key}: {operation.Client}'s {operation.Kind} was told {operation.Value} by {operation.Note}, after {highest.Operation?.Client} had been told {highest.Value}";
            }

            answers.Enqueue(operation, operation.Returned);
            var known = acknowledged.Count(a => a.Returned < operation.Invoked);
            var possible = increments.Count(i => i.Invoked < operation.Returned);
            if (operation.Value < known || operation.Value > possible)
            {
                return $"{operation.Key}: {operation.Client}'s {operation.Kind} was told {operation.Value}; {known} increments were acknowledged before and {possible} asked for";
            }
        }

        return stored is { } sum && (sum < acknowledged.Length || sum > increments.Length)
            ? $"{operations.FirstOrDefault()?.Key}: the store has {sum}; {acknowledged.Length} increments were acknowledged and {increments.Length} asked for"
            : null;
    }
}
