using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class DeadlineHeapTests
{
    [Fact]
    public void RunDue_RandomDeadlines_RunsThemInOrder()
    {
        var random = new Random(1);
        var heap = new DeadlineHeap();
        var ran = new List<long>();
        Item[] items = [.. Enumerable.Range(0, 500).Select(_ => new Item(ran))];
        foreach (var item in items)
        {
            heap.Set(item, random.Next(1, 1_000_000));
        }

        foreach (var item in items.Where((_, i) => i % 3 == 0))
        {
            heap.Set(item, random.Next(1, 1_000_000));
        }

        Item[] removed = [.. items.Where((_, i) => i % 5 == 0)];
        foreach (var item in removed)
        {
            heap.Remove(item);
        }

        heap.RunDue(1_000_000);

        Assert.Equal(ran.Order(), ran);
        Assert.Equal(400, ran.Count);
        Assert.Equal(400, heap.Count);
        Assert.DoesNotContain(removed, i => i.HeapIndex >= 0);
    }

    [Fact]
    public void RunDue_ItemThatIsAlwaysDue_RunsOnce()
    {
        var heap = new DeadlineHeap();
        var ran = new List<long>();
        heap.Set(new Item(ran) { NextDeadline = 0 }, 5);

        heap.RunDue(10);

        Assert.Single(ran);
        Assert.True(heap.Next > 10);
    }

    [Fact]
    public void NoLaterThan_EarlierTime_MovesForwardOnly()
    {
        var heap = new DeadlineHeap();
        var item = new Item([]);
        heap.Set(item, 100);

        heap.NoLaterThan(item, 200);
        Assert.Equal(100, heap.Next);
        heap.NoLaterThan(item, 50);
        Assert.Equal(50, heap.Next);
    }

    private sealed class Item(List<long> ran) : Timed
    {
        public long NextDeadline { get; init; } = long.MaxValue;

        internal override long Run(long now)
        {
            ran.Add(Deadline);
            return NextDeadline;
        }
    }
}
