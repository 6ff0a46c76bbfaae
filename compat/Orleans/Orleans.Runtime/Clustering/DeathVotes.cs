using System.Net.Sockets;
using System.Security.Authentication;
using Orleans.Configuration;
using Orleans.Runtime.Networking;

namespace Orleans.Runtime.Clustering;

/// <summary>Votes silos dead, and tells whom it concerns: everybody, and the one that is dead by it.</summary>
internal sealed class DeathVotes(ClusterNode node, ClusterMembershipOptions options)
{
    /// <summary>Votes a silo dead that has missed its probes, the last one sent at that time.</summary>
    /// <param name="isRefusing">Something lives at its address that refuses this silo: then it is only voted on when it has not said for long that it lives.</param>
    public async Task<bool> VoteDeadAsync(SiloAddress silo, DateTime lastProbe, bool isRefusing, CancellationToken cancellationToken)
    {
        var isDead = await node.Oracle.VoteDeadAsync(silo, lastProbe, isRefusing, cancellationToken);
        if (isDead)
        {
            _ = TellDeadAsync(silo, cancellationToken);
        }

        node.TellEverybody();
        return isDead;
    }

    /// <summary>
    /// Before it serves, a silo looks at those that do. After a crash of a whole cluster these are rows of silos that are gone:
    /// they are voted dead now, and not when half of the grains have waited for them.
    /// </summary>
    /// <exception cref="OrleansException">One that lives refuses this silo, which is a stranger to it.</exception>
    public Task LookAtOthersAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(node.Oracle.View.Active.Where(m => m.Silo != node.Self).Select(m => LookAtAsync(m.Silo, cancellationToken)));

    private async Task LookAtAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        var lastProbe = DateTime.MinValue;
        for (var missed = 0; missed < options.NumMissedProbesLimit; missed++)
        {
            lastProbe = node.Runtime.Time.GetUtcNow().UtcDateTime;
            if (await node.ProbeAsync(silo, options.ProbeTimeout))
            {
                return;
            }
        }

        // It may be this silo alone that does not reach it.
        if (await node.ReachesThroughAnotherAsync(silo))
        {
            return;
        }

        var refusal = await FindRefusalAsync(silo, cancellationToken);
        node.Runtime.Log.Suspecting(silo, options.NumMissedProbesLimit);
        if (!await VoteDeadAsync(silo, lastProbe, refusal is not null, cancellationToken) && refusal is not null)
        {
            throw new OrleansException($"{silo} refuses this silo, which must not take its grains then: {refusal}");
        }
    }

    /// <summary>What a process at a silo's address has against this one; null when none is there, or when it is another silo.</summary>
    private async Task<string?> FindRefusalAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.ProbeTimeout, node.Runtime.Time);
        using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await using var line = await DirectLine.OpenAsync(node, silo, options.ProbeTimeout, time.Token, isAnybody: true);
            return null;
        }
        catch (Exception e) when (e is ConnectionRefusedException or AuthenticationException)
        {
            return e.Message;
        }
        catch (Exception e) when (e is IOException or SocketException or OrleansException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>One that only stood still, or was cut off, need not wait until it reads the table.</summary>
    private async Task TellDeadAsync(SiloAddress silo, CancellationToken cancellationToken)
    {
        try
        {
            await using var line = await DirectLine.OpenAsync(node, silo, options.ProbeTimeout, cancellationToken);
            await line.ControlOf(silo).ViewAsync(node.Oracle.View.Snapshot);
        }
        catch (Exception e) when (e is IOException or SocketException or OrleansException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
        {
            // It is dead indeed.
            node.Runtime.Log.ConnectionEnded(silo.ToString(), e.Message);
        }
    }
}
