using System.Net.Sockets;
using Orleans.Configuration;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clustering;

/// <summary>
/// What a silo does after a standstill, before it says a word: it finds out whether it still belongs to the cluster. The
/// table knows. While that is away another silo's word counts, of one that did not stand still itself: whoever declares
/// a silo dead tells the others at once. As long as neither answers the silo stays silent.
/// </summary>
internal sealed class StandstillInquiry(ClusterNode node, ClusterMembershipOptions options)
{
    /// <summary>How long somebody may be waited for after a standstill in which nobody can have been declared dead.</summary>
    private static readonly TimeSpan ShortLimit = TimeSpan.FromSeconds(3);

    private MembershipOracle Oracle => node.Oracle;

    private TimeProvider Time => node.Runtime.Time;

    /// <summary>Ends when it is known, by whatever source, that this silo belongs to the cluster, or that it is dead.</summary>
    public async Task MakeSureAsync(TimeSpan stoodStill, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var since = Time.GetTimestamp();
        var isSilent = false;
        var table = Task.FromResult(false);
        while (!cancellationToken.IsCancellationRequested && Oracle.Status is not (SiloStatus.Created or SiloStatus.Dead))
        {
            if (table.IsCompleted)
            {
                table = Oracle.SayWellAsync(over.Token);
            }

            // The table first, if it is there at all.
            await Task.WhenAny(table, Task.Delay(options.ProbeTimeout / 2, Time, over.Token));
            if (await AnsweredAsync(table) || await OthersVouchAsync(over.Token))
            {
                break;
            }

            // Three probes must be missed before anybody votes, and they were not: a silo without others need not wait for its table.
            if (stoodStill < options.ProbeTimeout * options.NumMissedProbesLimit && Time.GetElapsedTime(since) > ShortLimit)
            {
                break;
            }

            if (!isSilent)
            {
                isSilent = true;
                node.Runtime.Log.StaysSilent();
            }

            await Task.WhenAny(table, Task.Delay(options.ProbeTimeout / 5, Time, over.Token));
        }

        // An answer of the table that comes later is of no use here.
        await over.CancelAsync();
        node.TellEverybody();
    }

    /// <summary>What is said to a silo that asks whether it still belongs to the cluster.</summary>
    public SiloWord WordFor(SiloAddress asker)
    {
        // It lives: a vote that has not been written yet is not cast.
        var isSuspecting = !Oracle.NoteAlive(asker);
        var view = Oracle.View;
        return new SiloWord(view.Snapshot, IsSure(view, asker), isSuspecting);
    }

    private bool IsSure(ClusterView view, SiloAddress asker) =>
        Oracle.Status == SiloStatus.Active && view.IsActive(node.Self) && view.Find(asker)?.Status is not (null or SiloStatus.Dead);

    private static async Task<bool> AnsweredAsync(Task<bool> table)
    {
        try
        {
            return table.IsCompleted && await table;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Whether another silo knows that this one belongs to the cluster, and none may have voted otherwise; or whether it is dead.</summary>
    private async Task<bool> OthersVouchAsync(CancellationToken cancellationToken)
    {
        var words = await Task.WhenAll(Oracle.View.Active.Where(m => m.Silo != node.Self).Select(m => AskAsync(m.Silo, cancellationToken)));
        foreach (var word in words)
        {
            if (word is not null)
            {
                Oracle.Take(word.View);
            }
        }

        return Oracle.Status == SiloStatus.Dead
            || (Array.Exists(words, static w => w is { IsSure: true }) && !Array.Exists(words, static w => w is { IsSuspecting: true }));
    }

    /// <summary>Null when the silo does not answer: it may be gone, or stand still as this one did.</summary>
    private async Task<SiloWord?> AskAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        try
        {
            using var limit = new CancellationTokenSource(options.ProbeTimeout, Time);
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
            await using var line = await DirectLine.OpenAsync(node, silo, options.ProbeTimeout, time.Token);
            return await line.ControlOf(silo).VouchAsync(node.Self);
        }
        catch (Exception e) when (e is IOException or SocketException or OrleansException or OperationCanceledException or TimeoutException
            or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            node.Runtime.Log.ConnectionEnded(silo.ToString(), e.Message);
            return null;
        }
    }
}
