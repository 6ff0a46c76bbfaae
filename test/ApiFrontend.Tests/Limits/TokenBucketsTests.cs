using System.Net;
using VoiceCluster.ApiFrontend.Limits;

namespace VoiceCluster.ApiFrontend.Tests.Limits;

public sealed class TokenBucketsTests
{
    [Fact]
    public void Bucket_Emptied_SaysWhenTheNextTokenIsThere()
    {
        TokenBuckets buckets = new(burst: 3, perSecond: 2, capacity: 10);

        Assert.All(Enumerable.Range(0, 3), _ => Assert.True(buckets.TryTake(1, TimeSpan.Zero, out TimeSpan _)));
        Assert.False(buckets.TryTake(1, TimeSpan.Zero, out var wait));
        Assert.Equal(TimeSpan.FromSeconds(0.5), wait);
        Assert.False(buckets.TryTake(1, wait - TimeSpan.FromMilliseconds(1), out _));
        Assert.True(buckets.TryTake(1, wait, out _));
        Assert.False(buckets.TryTake(1, wait, out _));
        Assert.True(buckets.TryTake(2, wait, out _));
    }

    [Fact]
    public void Bucket_AfterALongRest_HoldsNoMoreThanItsBurst()
    {
        TokenBuckets buckets = new(burst: 2, perSecond: 100, capacity: 10);
        buckets.TryTake(1, TimeSpan.Zero, out _);
        var later = TimeSpan.FromHours(1);

        Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(_ => buckets.TryTake(1, later, out TimeSpan _)));
    }

    [Fact]
    public void Buckets_OfEndlessKeys_StayWithinTheirCapacity()
    {
        TokenBuckets buckets = new(burst: 2, perSecond: 0.01, capacity: 1_000);
        for (var key = 0; key < 100_000; key++)
        {
            buckets.TryTake((UInt128)key, TimeSpan.Zero, out _);
        }

        Assert.Equal(1_000, buckets.Count);
    }

    [Fact]
    public void Buckets_RefilledOnes_AreForgotten()
    {
        TokenBuckets buckets = new(burst: 2, perSecond: 1, capacity: 1_000);
        for (var key = 0; key < 1_000; key++)
        {
            buckets.TryTake((UInt128)key, TimeSpan.Zero, out _);
        }

        for (var key = 1_000; key < 2_000; key++)
        {
            buckets.TryTake((UInt128)key, TimeSpan.FromMinutes(key), out _);
        }

        Assert.True(buckets.Count <= 2, $"{buckets.Count} buckets are left.");
    }

    [Fact]
    public async Task Bucket_UnderManyThreads_GivesExactlyItsBurst()
    {
        TokenBuckets buckets = new(burst: 500, perSecond: 1, capacity: 10);
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () => Enumerable.Range(0, 200).Count(_ => buckets.TryTake(1, TimeSpan.Zero, out TimeSpan _)))));
        Assert.Equal(500, taken.Sum());
    }

    [Theory]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("192.0.2.1", "::c000:201", false)]
    public void Addresses_OfOneSubscriber_ShareAKey(string first, string second, bool same)
        => Assert.Equal(same, RequestLimits.KeyOf(IPAddress.Parse(first)) == RequestLimits.KeyOf(IPAddress.Parse(second)));
}
