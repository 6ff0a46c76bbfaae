using VoiceCluster.Faults.History;

namespace VoiceCluster.Faults.Tests.Checking;

/// <summary>
/// Whether a register's history is linearizable: every operation can be given one moment between its call and its answer,
/// so that each read answers what the last write before it wrote. The search is Wing and Gong's with Lowe's memory of what
/// was tried. Values are written once each, except 0, which a register begins with.
/// </summary>
public static class RegisterChecker
{
    /// <summary>Null when it is; else the operations among which none can come next.</summary>
    public static string? Check(IEnumerable<Operation> history)
    {
        var operations = Relevant([.. history]);
        var origin = operations.FirstOrDefault(o => o is { IsWrite: false, Value: not 0 } && !operations.Any(w => w.IsWrite && w.Argument == o.Value));
        if (origin is not null)
        {
            return $"{origin.Key}: {origin.Client} read {origin.Value}, which nobody wrote";
        }

        return new Search(operations).Run();
    }

    /// <summary>What says something: acknowledged operations, and writes of unknown outcome that somebody has read.</summary>
    private static Operation[] Relevant(Operation[] history)
    {
        var reads = history.Where(o => !o.IsWrite && o.Outcome == Outcome.Ok).ToArray();
        return
        [
            .. reads,
            .. history.Where(o => o.IsWrite && o.Outcome == Outcome.Ok),
            .. history.Where(o => o.IsWrite && o.Outcome != Outcome.Ok)
                .Select(w => (Write: w, Seen: reads.Where(r => r.Value == w.Argument).Select(r => (long?)r.Returned).Min()))
                .Where(w => w.Seen is not null)

                // It came before whoever read it had the answer. One that was refused must not have come at all.
                .Select(w => w.Write with { Returned = w.Write.Outcome == Outcome.Failed ? w.Write.Invoked : w.Seen!.Value })
                .Where(w => w.Outcome != Outcome.Failed),
        ];
    }

    private sealed class Search
    {
        private readonly Operation[] _operations;
        private readonly Entry _head = new(-1, isCall: false);
        private readonly HashSet<(UInt128 A, UInt128 B, UInt128 C, UInt128 D, long Value)> _tried = [];
        private readonly UInt128[] _done = new UInt128[4];

        public Search(Operation[] operations)
        {
            if (operations.Length > 512)
            {
                throw new ArgumentException("A history of one register has 512 operations at most.", nameof(operations));
            }

            _operations = operations;
            var last = _head;
            var events = operations
                .SelectMany((o, i) => (IEnumerable<(long At, int Order, int Index)>)[(o.Invoked, 0, i), (o.Returned, 1, i)])
                .Order();
            var calls = new Entry[operations.Length];
            foreach (var (_, order, index) in events)
            {
                var entry = new Entry(index, order == 0) { Previous = last };
                last.Next = entry;
                last = entry;
                if (order == 0)
                {
                    calls[index] = entry;
                }
                else
                {
                    calls[index].Answer = entry;
                }
            }
        }

        public string? Run()
        {
            var path = new Stack<(Entry Call, long Before)>();
            var (value, deepest, stuck) = (0L, -1, "");
            var entry = _head.Next;
            while (_head.Next is not null)
            {
                if (entry!.IsCall)
                {
                    var operation = _operations[entry.Index];
                    if ((operation.IsWrite || operation.Value == value) && TryMark(entry.Index, operation.IsWrite ? operation.Argument : value))
                    {
                        path.Push((entry, value));
                        value = operation.IsWrite ? operation.Argument : value;
                        entry.Lift();
                        entry = _head.Next;
                    }
                    else
                    {
                        entry = entry.Next;
                    }

                    continue;
                }

                if (path.Count > deepest)
                {
                    (deepest, stuck) = (path.Count, Describe(entry.Index, value));
                }

                if (!path.TryPop(out var last))
                {
                    return stuck;
                }

                value = last.Before;
                Toggle(last.Call.Index);
                last.Call.Unlift();
                entry = last.Call.Next;
            }

            return null;
        }

        private string Describe(int index, long value)
        {
            var operation = _operations[index];
            return $"{operation.Key} is not linearizable: with {value} in it, {operation.Client}'s {operation.Kind} of {(operation.IsWrite ? operation.Argument : operation.Value)} by {operation.Note} had to have come";
        }

        /// <summary>Notes that the operation has come. False when the same was tried before, in another order.</summary>
        private bool TryMark(int index, long value)
        {
            Toggle(index);
            if (_tried.Add((_done[0], _done[1], _done[2], _done[3], value)))
            {
                return true;
            }

            Toggle(index);
            return false;
        }

        private void Toggle(int index) => _done[index / 128] ^= UInt128.One << (index % 128);
    }

    /// <summary>A call or an answer, in order of time.</summary>
    private sealed class Entry(int index, bool isCall)
    {
        public int Index => index;

        public bool IsCall => isCall;

        public Entry? Previous { get; set; }

        public Entry? Next { get; set; }

        public Entry? Answer { get; set; }

        /// <summary>Takes the call and its answer out.</summary>
        public void Lift()
        {
            Unlink();
            Answer!.Unlink();
        }

        /// <summary>Puts them back.</summary>
        public void Unlift()
        {
            Answer!.Relink();
            Relink();
        }

        private void Unlink()
        {
            Previous!.Next = Next;
            if (Next is not null)
            {
                Next.Previous = Previous;
            }
        }

        private void Relink()
        {
            Previous!.Next = this;
            if (Next is not null)
            {
                Next.Previous = this;
            }
        }
    }
}
