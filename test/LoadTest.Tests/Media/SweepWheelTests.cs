using VoiceCluster.LoadTest.Media;

namespace VoiceCluster.LoadTest.Tests.Media;

public sealed class SweepWheelTests
{
    private const long Width = 10_000;

    [Fact]
    public void TakeDue_SeveralLinks_EachComesAtItsTime()
    {
        var wheel = new SweepWheel<Item>(5_000_000, Width);
        var items = Enumerable.Range(0, 50).Select(i => new Item { SweepAt = 5_000_000 + (i * 7_000) }).ToArray();
        foreach (var item in items)
        {
            wheel.Add(item);
        }

        List<Item> taken = [];
        for (var now = 5_000_000L; now < 5_400_000; now += 1_000)
        {
            while (wheel.TakeDue(now) is { } item)
            {
                // A place early or late at the most.
                Assert.InRange(now - item.SweepAt, -Width, Width);
                taken.Add(item);
            }
        }

        Assert.Equal(items.ToHashSet(), taken.ToHashSet());
        Assert.Equal(items.Length, taken.Count);
    }

    [Fact]
    public void TakeDue_PlacedAgain_ComesOncePerPeriod()
    {
        var wheel = new SweepWheel<Item>(0, Width);
        var item = new Item { SweepAt = 100_000 };
        wheel.Add(item);
        var times = 0;
        for (var now = 0L; now < 1_000_000; now += 2_000)
        {
            while (wheel.TakeDue(now) is { } due)
            {
                times++;
                due.SweepAt = now + 100_000;
                wheel.Add(due);
            }
        }

        Assert.Equal(9, times);
    }

    [Fact]
    public void NextDue_IsWhereTheNextLinkIs()
    {
        var wheel = new SweepWheel<Item>(0, Width);
        Assert.Equal((SweepWheel<Item>.Places - 1) * Width, wheel.NextDue());

        wheel.Add(new Item { SweepAt = 255_000 });
        wheel.Add(new Item { SweepAt = 305_000 });
        Assert.Equal(250_000, wheel.NextDue());

        Assert.NotNull(wheel.TakeDue(250_000));
        Assert.Null(wheel.TakeDue(250_000));
        Assert.Equal(300_000, wheel.NextDue());
    }

    [Fact]
    public void Add_BeforeNowOrBeyondTheWheel_ComesAtItsNearestEnd()
    {
        var wheel = new SweepWheel<Item>(50_000, Width);
        var past = new Item { SweepAt = 0 };
        var far = new Item { SweepAt = 1_000_000_000 };
        wheel.Add(past);
        wheel.Add(far);

        Assert.Same(past, wheel.TakeDue(50_000));
        Assert.Null(wheel.TakeDue(50_000));
        Assert.Same(far, wheel.TakeDue(50_000 + (SweepWheel<Item>.Places * Width)));
    }

    [Fact]
    public void TakeDue_AfterALongStop_GivesEverything()
    {
        var wheel = new SweepWheel<Item>(0, Width);
        for (var i = 0; i < 10; i++)
        {
            wheel.Add(new Item { SweepAt = i * 100_000 });
        }

        var taken = 0;
        while (wheel.TakeDue(3_600_000_000) is not null)
        {
            taken++;
        }

        Assert.Equal(10, taken);
    }

    private sealed class Item : ISwept<Item>
    {
        public long SweepAt { get; set; }

        public Item? NextOfPlace { get; set; }
    }
}
