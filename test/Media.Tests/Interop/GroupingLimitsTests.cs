using VoiceCluster.Engine.Tests;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Tests.Interop;

/// <summary>Which receivers get no groups of datagrams, and for how long.</summary>
public sealed class GroupingLimitsTests
{
    private static readonly TransportAddress Narrow = TransportAddress.FromIPv4(0x0A000001, 1_000);
    private static readonly TransportAddress Wide = TransportAddress.FromIPv4(0x0A000002, 1_000);
    private readonly ManualTime _time = new();
    private readonly GroupingLimits _limits;

    public GroupingLimitsTests() => _limits = new GroupingLimits(_time);

    [Fact]
    public void Refused_Receiver_IsLimited_AndNobodyElse()
    {
        _limits.Refuse(Narrow, 1, 1_199);
        Assert.Equal((1_199, int.MaxValue, 1), (Limit(Narrow), Limit(Wide), _limits.Count));

        // Shorter ones that fail too, and longer ones of the same moment.
        _limits.Refuse(Narrow, 1, 171);
        _limits.Refuse(Narrow, 1, 1_399);
        Assert.Equal(171, Limit(Narrow));
    }

    [Fact]
    public void Refused_Receiver_IsTriedAgain_LaterEachTime_AndForgottenOnceItTakesThem()
    {
        _limits.Refuse(Narrow, 1, 0);
        var rest = GroupingLimits.FirstRest;
        for (var i = 0; i < 10; i++)
        {
            Pass(rest - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, Limit(Narrow));
            Pass(TimeSpan.FromMilliseconds(1));
            Assert.Equal(int.MaxValue, Limit(Narrow));

            // Several groups of one flush fail together: that is one failure.
            _limits.Refuse(Narrow, 1, 0);
            _limits.Refuse(Narrow, 1, 0);
            rest = rest * 2 < GroupingLimits.LongestRest ? rest * 2 : GroupingLimits.LongestRest;
        }

        Pass(GroupingLimits.LongestRest);
        Assert.Equal((int.MaxValue, 1), (Limit(Narrow), _limits.Count));
        Pass(GroupingLimits.LongestRest);
        Assert.Equal(0, _limits.Count);
        _limits.Refuse(Narrow, 1, 0);
        Pass(GroupingLimits.FirstRest);
        Assert.Equal(int.MaxValue, Limit(Narrow));
    }

    [Fact]
    public void Refused_ReceiversBeyondThePlaces_TakeThoseOfTheOldest()
    {
        var many = Enumerable.Range(1, 1_000).Select(i => TransportAddress.FromIPv4(0x0A000001, (ushort)i)).ToArray();
        foreach (var one in many)
        {
            _limits.Refuse(one, one.Port, 0);
            Assert.Equal(0, _limits.Of(one, one.Port));
            Pass(TimeSpan.FromMicroseconds(100));
        }

        Assert.Equal(256, _limits.Count);
        Assert.All(many[^256..], a => Assert.Equal(0, _limits.Of(a, a.Port)));
        Assert.All(many[..^256], a => Assert.Equal(int.MaxValue, _limits.Of(a, a.Port)));
        Pass(GroupingLimits.FirstRest);
        Pass(GroupingLimits.FirstRest);
        Assert.Equal(0, _limits.Count);
    }

    private int Limit(TransportAddress receiver) => _limits.Of(receiver, 1);

    private void Pass(TimeSpan time)
    {
        _time.Advance(time);
        _limits.Advance();
    }
}
