using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Tests.Calls;

public sealed class CallTransitionsTests
{
    // Columns: Accept, Reject, Hangup, RingTimeout, AllBusy, Connected, PartiesGone.
    // "=" stays, "!" answered already, "?" not answered, "x" over; else the next state and its reason.
    private static readonly Dictionary<CallStatus, string> Table = new()
    {
        [CallStatus.Ringing] = "Accepted | Rejected:Rejected | Ended:Cancelled | Missed:NoAnswer | Busy:Busy | ? | =",
        [CallStatus.Accepted] = "! | ! | Ended:HungUp | = | ! | Active | Ended:ConnectionLost",
        [CallStatus.Active] = "! | ! | Ended:HungUp | = | ! | = | Ended:ConnectionLost",
        [CallStatus.Ended] = "x | x | = | = | x | x | =",
        [CallStatus.Rejected] = "x | x | = | = | x | x | =",
        [CallStatus.Missed] = "x | x | = | = | x | x | =",
        [CallStatus.Busy] = "x | x | = | = | x | x | =",
    };

    public static TheoryData<CallStatus, CallTrigger, string> Cells()
    {
        TheoryData<CallStatus, CallTrigger, string> cells = [];
        foreach (var status in Enum.GetValues<CallStatus>())
        {
            var row = Table[status].Split(" | ");
            foreach (var trigger in Enum.GetValues<CallTrigger>())
            {
                cells.Add(status, trigger, row[(int)trigger]);
            }
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void On_EveryStateAndTrigger_IsAsTheTableSays(CallStatus status, CallTrigger trigger, string cell)
    {
        var expected = cell switch
        {
            "=" => new CallTransition(CallVerdict.Stay, status),
            "!" => new CallTransition(CallVerdict.AlreadyAnswered, status),
            "?" => new CallTransition(CallVerdict.NotAnswered, status),
            "x" => new CallTransition(CallVerdict.Over, status),
            _ when cell.Split(':') is [var next, var reason] =>
                new CallTransition(CallVerdict.Move, Enum.Parse<CallStatus>(next), Enum.Parse<CallEndReason>(reason)),
            _ => new CallTransition(CallVerdict.Move, Enum.Parse<CallStatus>(cell)),
        };

        Assert.Equal(expected, CallTransitions.On(status, trigger));
    }

    [Fact]
    public void Table_HasACellForEveryStateAndTrigger() =>
        Assert.Equal(Enum.GetValues<CallStatus>().Length * Enum.GetValues<CallTrigger>().Length, Cells().Count());
}
