using System.Net;

namespace Orleans.Runtime.Clustering;

/// <summary>One silo as the membership table has it.</summary>
/// <param name="VotedDeadAt">When the others declared it dead, in ticks of UTC; 0 when they did not, so also when it left by itself.</param>
[GenerateSerializer, Immutable, Alias("sys.ClusterMember")]
internal sealed record ClusterMember(
    [property: Id(0)] SiloAddress Silo,
    [property: Id(1)] SiloStatus Status,
    [property: Id(2)] int GatewayPort,
    [property: Id(3)] string Name,
    [property: Id(4)] long VotedDeadAt = 0)
{
    /// <summary>Where clients connect; null when it takes none.</summary>
    public IPEndPoint? Gateway => GatewayPort > 0 ? new IPEndPoint(Silo.Endpoint.Address, GatewayPort) : null;
}

/// <summary>All silos at one version of the table, as silos tell each other and their clients.</summary>
[GenerateSerializer, Immutable, Alias("sys.ClusterSnapshot")]
internal sealed record ClusterSnapshot([property: Id(0)] long Version, [property: Id(1)] ClusterMember[] Members);

/// <summary>
/// The silos at one version, and whose each grain is: every silo that serves stands at <see cref="PointsEach"/> places of
/// a circle of hashes, and a grain belongs to the next silo from its own hash on. A silo that comes or goes moves only
/// its own share.
/// </summary>
internal sealed class ClusterView
{
    /// <summary>Places of a silo on the circle: with 100, shares differ by some 10%.</summary>
    public const int PointsEach = 100;

    private readonly uint[] _points;
    private readonly ClusterMember[] _owners;

    /// <summary>For each value of a hash's highest byte, the first place from there on.</summary>
    private readonly int[] _first = new int[257];

    public ClusterView(ClusterSnapshot snapshot)
    {
        Snapshot = snapshot;
        Active = [.. snapshot.Members.Where(m => m.Status == SiloStatus.Active).OrderBy(m => m.Silo)];
        var points = new List<(uint Point, ClusterMember Owner)>(Active.Length * PointsEach);
        foreach (var member in Active)
        {
            var address = member.Silo.ToParsableString();
            for (var i = 0; i < PointsEach; i++)
            {
                points.Add((StableHash.Compute(address, i.ToString(System.Globalization.CultureInfo.InvariantCulture)), member));
            }
        }

        points.Sort(static (a, b) => a.Point != b.Point ? a.Point.CompareTo(b.Point) : a.Owner.Silo.CompareTo(b.Owner.Silo));
        _points = [.. points.Select(p => p.Point)];
        _owners = [.. points.Select(p => p.Owner)];
        for (var i = 0; i < _first.Length; i++)
        {
            var index = i == 256 ? _points.Length : Array.FindIndex(_points, p => p >> 24 >= i);
            _first[i] = index < 0 ? _points.Length : index;
        }
    }

    /// <summary>Before anything is known.</summary>
    public static ClusterView Empty { get; } = new(new ClusterSnapshot(0, []));

    public ClusterSnapshot Snapshot { get; }

    public long Version => Snapshot.Version;

    /// <summary>The silos that serve, in order of their addresses.</summary>
    public ClusterMember[] Active { get; }

    /// <summary>A silo's row, or null.</summary>
    public ClusterMember? Find(SiloAddress silo) => Array.Find(Snapshot.Members, m => m.Silo == silo);

    public bool IsActive(SiloAddress silo) => Array.Exists(Active, m => m.Silo == silo);

    /// <summary>Whose a grain is; null when no silo serves.</summary>
    public ClusterMember? OwnerOf(GrainId grain) => OwnerOf(grain.GetUniformHashCode());

    /// <summary>Whose a grain of that uniform hash is; null when no silo serves.</summary>
    public ClusterMember? OwnerOf(uint hash)
    {
        if (_points.Length == 0)
        {
            return null;
        }

        var index = _first[hash >> 24];
        while (index < _points.Length && _points[index] < hash)
        {
            index++;
        }

        return _owners[index == _owners.Length ? 0 : index];
    }

    /// <summary>The silos that this one watches: the next ones on a circle of addresses, so that each is watched by as many.</summary>
    public IEnumerable<ClusterMember> WatchedBy(SiloAddress silo, int count)
    {
        var others = Snapshot.Members
            .Where(m => m.Silo != silo && m.Status is SiloStatus.Active or SiloStatus.ShuttingDown or SiloStatus.Stopping)
            .OrderBy(m => StableHash.Compute(m.Silo.ToParsableString(), ""))
            .ToArray();
        var own = StableHash.Compute(silo.ToParsableString(), "");
        var first = Array.FindIndex(others, m => StableHash.Compute(m.Silo.ToParsableString(), "") > own);
        first = first < 0 ? 0 : first;
        for (var i = 0; i < Math.Min(count, others.Length); i++)
        {
            yield return others[(first + i) % others.Length];
        }
    }
}
