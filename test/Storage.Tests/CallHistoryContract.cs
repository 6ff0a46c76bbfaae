using System.Text;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;

namespace VoiceCluster.Storage.Tests;

/// <summary>What every call history keeps; each database runs the same tests.</summary>
public abstract class CallHistoryContract
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Guid _chat = Guid.NewGuid();

    /// <summary>The history under test, empty at the start of each test.</summary>
    protected abstract ICallHistory History { get; }

    /// <summary>The states that it is written with.</summary>
    protected abstract IStateStore Store { get; }

    [Fact]
    public async Task Read_AChatWithoutCalls_IsEmpty()
    {
        var page = await ReadAsync(null, 10);
        Assert.Empty(page.Calls);
        Assert.False(page.HasMore);
    }

    [Fact]
    public async Task Read_PageByPage_ReachesTheFirstCallOfManyInOrder()
    {
        const int Calls = 1_234;
        var calls = await WriteManyAsync(Calls);
        await WriteAsync(Call(Calls) with { ChatId = Guid.NewGuid() });

        var read = await ReadAllAsync(100);

        Assert.Equal(calls.Reverse().Select(c => c.Id), read.Select(c => c.Id));
    }

    [Fact]
    public async Task Read_WhileCallsCome_NeitherRepeatsNorSkipsOne()
    {
        var before = await WriteManyAsync(100);
        var writer = Task.Run(async () =>
        {
            for (var i = 100; i < 300; i++)
            {
                await WriteAsync(Call(i));
            }
        });

        var read = await ReadAllAsync(7);
        await writer;

        Assert.Equal(read.Length, read.DistinctBy(c => c.Id).Count());
        Assert.Equal(before.Reverse().Select(c => c.Id), read.Where(c => c.CreatedAt < Start.AddSeconds(100)).Select(c => c.Id));
    }

    [Fact]
    public async Task Read_CallsOfOneMoment_AreAllFoundOnce()
    {
        for (var i = 0; i < 25; i++)
        {
            await WriteAsync(Call(0));
        }

        var read = await ReadAllAsync(4);

        Assert.Equal(25, read.Length);
        Assert.Equal(25, read.DistinctBy(c => c.Id).Count());
    }

    [Fact]
    public async Task Read_BeforeATime_GivesOlderCallsOnly()
    {
        var calls = await WriteManyAsync(5);

        var page = (await History.ReadAsync(_chat, new CallPageRequest(null, calls[3].CreatedAt, 10), default)).Value!;
        var hair = (await History.ReadAsync(_chat, new CallPageRequest(null, calls[3].CreatedAt.AddTicks(1), 10), default)).Value!;

        Assert.Equal([calls[2].Id, calls[1].Id, calls[0].Id], page.Calls.Select(c => c.Id));
        Assert.Equal(4, hair.Calls.Length);
    }

    [Fact]
    public async Task Read_BeforeACallOfAnotherChat_IsInvalid()
    {
        await WriteManyAsync(2);
        var other = Call(3) with { ChatId = Guid.NewGuid() };
        await WriteAsync(other);

        foreach (var cursor in new[] { other.Id, Guid.NewGuid() })
        {
            Assert.Equal(FaultCode.Invalid, (await History.ReadAsync(_chat, new CallPageRequest(cursor, null, 10), default)).Fault?.Code);
        }
    }

    [Fact]
    public async Task Write_ACallAgain_ShowsItsLastStateAndEveryField()
    {
        var ringing = Call(1);
        var etag = await WriteAsync(ringing);
        var ended = ringing with
        {
            Status = CallStatus.Ended,
            Type = CallType.Video,
            Parties = [.. ringing.Parties.Select(p => p with { Status = CallPartyStatus.Left })],
            AnsweredAt = Start.AddTicks(12_345_677),
            ActiveAt = Start.AddSeconds(3),
            EndedAt = Start.AddMinutes(1),
            EndReason = CallEndReason.ConnectionLost,
            EndedBy = ringing.CallerId,
            Version = 7,
        };
        await WriteAsync(ended, etag);

        var read = Assert.Single((await ReadAsync(null, 10)).Calls);

        Assert.Equal(ended.Parties, read.Parties);
        Assert.Equal(ended, read with { Parties = ended.Parties });
    }

    [Fact]
    public async Task Write_WithAnotherETag_LeavesTheHistoryAsItWas()
    {
        var call = Call(1);
        await WriteAsync(call);

        await Assert.ThrowsAsync<StateConflictException>(() => WriteAsync(call with { Status = CallStatus.Missed }, "1"));

        Assert.Equal(CallStatus.Ringing, Assert.Single((await ReadAsync(null, 10)).Calls).Status);
    }

    [Fact]
    public async Task Import_TakesWhatIsUnknownAndLeavesTheRest()
    {
        var known = Call(1) with { Status = CallStatus.Accepted };
        await WriteAsync(known);
        CallInfo[] old = [known with { Status = CallStatus.Ringing }, Call(0) with { Status = CallStatus.Missed }];

        await History.ImportAsync(old, default);
        await History.ImportAsync(old, default);
        await History.ImportAsync([], default);

        Assert.Equal(
            [(known.Id, CallStatus.Accepted), (old[1].Id, CallStatus.Missed)], (await ReadAsync(null, 10)).Calls.Select(c => (c.Id, c.Status)));
    }

    private CallInfo Call(int second) => new(
        Guid.NewGuid(),
        _chat,
        CallType.Voice,
        CallStatus.Ringing,
        [new CallParty(Guid.NewGuid(), CallPartyStatus.Joined), new CallParty(Guid.NewGuid(), CallPartyStatus.Ringing)],
        Start.AddSeconds(second),
        Start.AddSeconds(second + 30),
        null,
        null,
        null,
        null,
        null,
        1);

    private async Task<CallInfo[]> WriteManyAsync(int count)
    {
        CallInfo[] calls = [.. Enumerable.Range(0, count).Select(Call)];
        await Parallel.ForEachAsync(calls, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (call, _) => await WriteAsync(call));
        return calls;
    }

    private Task<string> WriteAsync(CallInfo call, string? etag = null) => Store.WriteAsync(
        "calls", call.Id.ToString(), etag, Encoding.UTF8.GetBytes("state"), [], CallRow.Of(call), default);

    private async Task<CallPage> ReadAsync(Guid? before, int limit)
    {
        var page = await History.ReadAsync(_chat, new CallPageRequest(before, null, limit), default);
        Assert.Null(page.Fault);
        return page.Value!;
    }

    private async Task<CallInfo[]> ReadAllAsync(int limit)
    {
        List<CallInfo> calls = [];
        CallPage page;
        do
        {
            page = await ReadAsync(calls.Count == 0 ? null : calls[^1].Id, limit);
            Assert.True(page.Calls.Length == limit || !page.HasMore);
            calls.AddRange(page.Calls);
        }
        while (page.HasMore);
        return [.. calls];
    }
}
