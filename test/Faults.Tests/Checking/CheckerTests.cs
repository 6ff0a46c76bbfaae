using VoiceCluster.Faults.Grains;
using VoiceCluster.Faults.History;

namespace VoiceCluster.Faults.Tests.Checking;

/// <summary>The checker finds what was planted, and nothing else.</summary>
public sealed class CheckerTests
{
    private readonly List<Operation> _history = [];

    [Fact]
    public void Register_ReadsThatOverlapAWrite_MaySeeEither()
    {
        Write(1, 0, 10);
        Write(2, 20, 60);
        Read(1, 25, 30);
        Read(2, 40, 50);
        Read(2, 55, 70);
        Assert.Null(RegisterChecker.Check(_history));
    }

    [Fact]
    public void Register_OldValueAfterANewOne_IsFound()
    {
        Write(1, 0, 10);
        Write(2, 20, 60);
        Read(2, 25, 30);
        Read(1, 40, 50);
        Assert.NotNull(RegisterChecker.Check(_history));
    }

    [Fact]
    public void Register_AcknowledgedWriteThatVanishes_IsFound()
    {
        Write(1, 0, 10);
        Write(2, 20, 30);
        Read(1, 40, 50);
        Assert.Contains("is not linearizable", RegisterChecker.Check(_history), StringComparison.Ordinal);
    }

    [Fact]
    public void Register_WriteOfUnknownOutcome_MayComeLateOrNeverButNotGo()
    {
        Write(1, 0, 10);
        Write(2, 20, 30, Outcome.Unknown);
        Read(1, 40, 50);
        Assert.Null(RegisterChecker.Check(_history));
        Read(2, 60, 70);
        Assert.Null(RegisterChecker.Check(_history));
        Read(1, 80, 90);
        Assert.NotNull(RegisterChecker.Check(_history));
    }

    [Fact]
    public void Register_ValueOfARefusedWrite_IsFound()
    {
        Write(1, 0, 10);
        Write(2, 20, 30, Outcome.Failed);
        Read(2, 40, 50);
        Assert.NotNull(RegisterChecker.Check(_history));
    }

    [Fact]
    public void Register_ValueThatNobodyWrote_IsFound()
    {
        Write(1, 0, 10);
        Read(7, 20, 30);
        Assert.Contains("nobody wrote", RegisterChecker.Check(_history), StringComparison.Ordinal);
    }

    [Fact]
    public void Register_ManyClientsAtOnce_IsDecidedBothWays()
    {
        // Each round 8 writes and 8 reads overlap; the reads see one of the round's writes, all the same.
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 8; i++)
            {
                Write((round * 8) + i + 1, round * 100, (round * 100) + 40 + i);
                Read((round * 8) + 8, (round * 100) + 50 + i, (round * 100) + 90);
            }
        }

        Assert.Null(RegisterChecker.Check(_history));
        Read(5, 2_100, 2_110);
        Assert.NotNull(RegisterChecker.Check(_history));
    }

    /// <summary>Random histories of a real register, and the same with one read made wrong.</summary>
    [Fact]
    public void Register_RandomHistoriesOfARealOne_PassAndFailWhenOneReadIsFalsified()
    {
        var random = new Random(4);
        for (var run = 0; run < 200; run++)
        {
            _history.Clear();
            var (value, at, next) = (0L, 0L, 1L);
            var values = new List<long> { 0 };
            for (var i = 0; i < 40; i++)
            {
                // The effect comes at `at`, somewhere between call and answer.
                at += 10;
                var (call, answer) = (at - random.Next(35), at + random.Next(35));
                if (random.Next(2) == 0)
                {
                    value = next++;
                    if (random.Next(5) == 0)
                    {
                        Write(value, call, answer, Outcome.Unknown);
                    }
                    else
                    {
                        // One of unknown outcome that nobody has read may come at any time.
                        values.Add(value);
                        Write(value, call, answer);
                    }
                }
                else
                {
                    Read(value, call, answer);
                }
            }

            Assert.Null(RegisterChecker.Check(_history));
            Write(next, at + 100, at + 110);
            Read(values[random.Next(values.Count)], at + 120, at + 130);
            Assert.NotNull(RegisterChecker.Check(_history));
        }
    }

    [Fact]
    public void Counter_AcknowledgedTwiceWithOneSum_IsFound()
    {
        Increment(1, 0, 10);
        Increment(2, 5, 15);
        Assert.Null(CounterChecker.Check(_history, 2));
        Increment(2, 20, 30);
        Assert.Contains("both told", CounterChecker.Check(_history, 3), StringComparison.Ordinal);
    }

    [Fact]
    public void Counter_StoredSumBelowTheAcknowledgedOrAboveTheAsked_IsFound()
    {
        Increment(1, 0, 10);
        Increment(0, 12, 14, Outcome.Unknown);
        Increment(0, 15, 16, Outcome.Failed);
        Assert.Null(CounterChecker.Check(_history, 1));
        Assert.Null(CounterChecker.Check(_history, 2));
        Assert.NotNull(CounterChecker.Check(_history, 0));
        Assert.NotNull(CounterChecker.Check(_history, 3));
    }

    [Fact]
    public void Counter_ThatGoesBack_IsFound()
    {
        Increment(1, 0, 10);
        Increment(2, 12, 14);
        Add(OperationKind.ReadStored, 0, 20, 30, Outcome.Ok, 2);
        Assert.Null(CounterChecker.Check(_history, 2));
        Add(OperationKind.ReadStored, 0, 40, 50, Outcome.Ok, 1);
        Assert.NotNull(CounterChecker.Check(_history, 2));
    }

    [Fact]
    public void History_TwinThatAnswersBesideALaterOne_IsFound()
    {
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        Add(OperationKind.Read, 0, 0, 10, Outcome.Ok, 0, first);
        Add(OperationKind.Read, 0, 12, 20, Outcome.Ok, 0, second);
        Add(OperationKind.Read, 0, 15, 30, Outcome.Ok, 0, first);
        Assert.Null(HistoryChecker.FindTwin(_history));
        Add(OperationKind.Read, 0, 25, 40, Outcome.Ok, 0, first);
        Assert.NotNull(HistoryChecker.FindTwin(_history));
    }

    [Fact]
    public void History_LastAnswerOfAnActivationThatCameLate_IsNoTwin()
    {
        var (ended, next) = (Guid.NewGuid(), Guid.NewGuid());
        Add(OperationKind.Increment, 1, 0, 30, Outcome.Ok, 1, ended);
        Add(OperationKind.Read, 0, 10, 20, Outcome.Ok, 1, next);
        Add(OperationKind.Read, 0, 40, 50, Outcome.Ok, 1, next);
        Assert.Null(HistoryChecker.FindTwin(_history));
        Add(OperationKind.Read, 0, 25, 60, Outcome.Ok, 1, ended);
        Assert.NotNull(HistoryChecker.FindTwin(_history));
    }

    [Fact]
    public void Reminder_ToldOnceOrTwiceEachPeriod_IsWell()
    {
        Assert.Empty(CheckTicks(0, 61, 62, 119, 121));
        Assert.Empty(CheckTicks(59, 60, 179));
    }

    [Theory]
    [InlineData(0, 121)]
    [InlineData(0, 59, 120)]
    [InlineData(60, 120)]
    [InlineData(-1, 1, 61, 121)]
    public void Reminder_NotToldBeforeItIsDueAgainOrToldTooEarly_IsFound(params int[] told) => Assert.Single(CheckTicks(told));

    [Fact]
    public void Operation_AsALine_ReadsBack()
    {
        Write(3, 1, 2, Outcome.Unknown);
        var operation = _history[0] with { Note = "a\tb\nc", Activation = Guid.NewGuid(), IsFinal = true };
        Assert.Equal(operation with { Note = "a b c" }, Operation.Parse(operation.ToLine()));
    }

    /// <summary>A reminder that is due at 0, 60, and 120 s, looked at until 180 s.</summary>
    private static string[] CheckTicks(params int[] told)
    {
        var first = new DateTime(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);
        return ReminderChecker.Check(
            [.. told.Select(s => new Tick("alarm", "a silo", first, first.AddSeconds(s)))],
            new Dictionary<string, DateTime> { ["alarm"] = first },
            TimeSpan.FromMinutes(1),
            first.AddMinutes(3));
    }

    private void Write(long value, long invoked, long returned, Outcome outcome = Outcome.Ok) =>
        Add(OperationKind.Write, value, invoked, outcome == Outcome.Unknown ? long.MaxValue : returned, outcome, value);

    private void Read(long value, long invoked, long returned) => Add(OperationKind.ReadStored, 0, invoked, returned, Outcome.Ok, value);

    private void Increment(long value, long invoked, long returned, Outcome outcome = Outcome.Ok) =>
        Add(OperationKind.Increment, 0, invoked, returned, outcome, value);

    private void Add(OperationKind kind, long argument, long invoked, long returned, Outcome outcome, long value, Guid activation = default) =>
        _history.Add(new Operation($"client {_history.Count}", "register-0", kind, argument, invoked, returned, outcome, value, activation, "a silo"));
}
