using VoiceCluster.Media.Net;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class TupleTableTests
{
    [Fact]
    public void Table_RandomOperations_EqualsADictionary()
    {
        var random = new Random(42);
        var table = new TupleTable<string>(2_000);
        var expected = new Dictionary<TransportAddress, string>();
        for (var i = 0; i < 100_000; i++)
        {
            var address = TransportAddress.FromIPv4((uint)random.Next(40), (ushort)random.Next(50));
            if (random.Next(3) == 0 && expected.TryGetValue(address, out var known))
            {
                Assert.True(table.Remove(address, known));
                expected.Remove(address);
            }
            else
            {
                var value = $"{i}";
                Assert.True(table.TrySet(address, value));
                expected[address] = value;
            }

            Assert.Equal(expected.Count, table.Count);
        }

        for (uint ip = 0; ip < 40; ip++)
        {
            for (ushort port = 0; port < 50; port++)
            {
                var address = TransportAddress.FromIPv4(ip, port);
                Assert.Equal(expected.GetValueOrDefault(address), table.Find(address));
            }
        }
    }

    [Fact]
    public void TrySet_PastTheCapacity_IsRefused()
    {
        var table = new TupleTable<string>(2);
        Assert.True(table.TrySet(TransportAddress.FromIPv4(1, 1), "a"));
        Assert.True(table.TrySet(TransportAddress.FromIPv4(1, 2), "b"));
        Assert.False(table.TrySet(TransportAddress.FromIPv4(1, 3), "c"));
        Assert.True(table.TrySet(TransportAddress.FromIPv4(1, 2), "d"));
    }

    [Fact]
    public void Remove_ByAnotherOwner_LeavesTheEntry()
    {
        var table = new TupleTable<string>(10);
        var address = TransportAddress.FromIPv4(1, 1);
        table.TrySet(address, "new");
        Assert.False(table.Remove(address, "old"));
        Assert.Equal("new", table.Find(address));
    }

    [Fact]
    public void Hash_TwoTables_SpreadTheSameAddressesDifferently()
    {
        // FIELD: mediasoup's tuple hash could be made to collide. The key is random, so two tables order their slots differently.
        TransportAddress[] addresses = [.. Enumerable.Range(0, 64).Select(i => TransportAddress.FromIPv4(0x0A000000u + (uint)i, 5_000))];
        var first = new TupleTable<string>(100);
        var second = new TupleTable<string>(100);

        Assert.NotEqual(addresses.Select(first.HashOf), addresses.Select(second.HashOf));
        Assert.Equal(64, addresses.Select(first.HashOf).Distinct().Count());
    }
}
