using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace VoiceCluster.Clustering.Tests;

/// <summary>
/// Writers that go on while their server is killed and started again, and a check of what they were told against what the
/// table holds: no version is won twice, and nothing that was acknowledged is lost.
/// </summary>
internal static class CrashSchedule
{
    private const int Writers = 6;
    private const int WritesAfterTheLastCrash = 10;

    public static async Task RunAsync(Func<IMembershipTable> open, Func<Task> crashAsync, int crashes)
    {
        var versions = new ConcurrentBag<int>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, Writers).Select(w => WriteAsync(w, open(), versions, stop.Token)).ToArray();
        for (var crash = 0; crash < crashes; crash++)
        {
            await MoreWritesAsync(5);
            await crashAsync();
        }

        await MoreWritesAsync(WritesAfterTheLastCrash);
        await stop.CancelAsync();
        var told = await Task.WhenAll(writers).InTime();

        var table = await Eventually.SucceedsAsync(open().ReadAll);
        Assert.Equal(versions.Count, versions.Distinct().Count());
        Assert.True(table.Version.Version >= versions.Max());
        foreach (var (writer, (acknowledged, attempted)) in told.Index())
        {
            // A write without an answer may have been made or not, but never one before the last acknowledged.
            var written = int.Parse(table.TryGet(Silo(writer))!.Item1.SiloName!, CultureInfo.InvariantCulture);
            Assert.InRange(written, acknowledged, attempted);
        }

        async Task MoreWritesAsync(int count)
        {
            var wanted = versions.Count + count;
            await Eventually.SucceedsAsync(() => versions.Count >= wanted ? Task.FromResult(true) : throw new TimeoutException("The writers do not go on."));
        }
    }

    private static SiloAddress Silo(int writer) => SiloAddress.New(new IPEndPoint(IPAddress.Loopback, 1_000 + writer), 1);

    private static async Task<(int Acknowledged, int Attempted)> WriteAsync(int writer, IMembershipTable table, ConcurrentBag<int> versions, CancellationToken stop)
    {
        var (acknowledged, attempted) = (0, 0);
        while (!stop.IsCancellationRequested || acknowledged == 0)
        {
            try
            {
                var data = await table.ReadAll();
                var row = data.TryGet(Silo(writer));
                attempted++;
                var entry = new MembershipEntry { SiloAddress = Silo(writer), Status = SiloStatus.Active, SiloName = $"{attempted}" };
                if (row is null ? await table.InsertRow(entry, data.Version.Next()) : await table.UpdateRow(entry, row.Item2, data.Version.Next()))
                {
                    acknowledged = attempted;
                    versions.Add(data.Version.Version + 1);
                }
            }
            catch (OrleansException)
            {
                // The server is away; whether this write was made is what the check leaves open.
                await Task.Delay(10, CancellationToken.None);
            }
        }

        return (acknowledged, attempted);
    }
}
