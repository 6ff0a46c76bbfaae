using System.Globalization;

namespace VoiceCluster.Faults.History;

/// <summary>What was asked of a grain.</summary>
public enum OperationKind
{
    /// <summary>A counter was told to grow.</summary>
    Increment,

    /// <summary>A register was set.</summary>
    Write,

    /// <summary>The value in memory was read.</summary>
    Read,

    /// <summary>The stored value was read.</summary>
    ReadStored,
}

/// <summary>How it ended.</summary>
public enum Outcome
{
    /// <summary>It was acknowledged.</summary>
    Ok,

    /// <summary>It was refused, and has no effect.</summary>
    Failed,

    /// <summary>Nobody knows whether it has, or will have, an effect.</summary>
    Unknown,
}

/// <summary>One operation of a client. Times are timestamps of the machine's monotonic clock.</summary>
/// <param name="Client">Who asked. One asks one thing at a time.</param>
/// <param name="Key">Which grain: counters begin with "counter".</param>
/// <param name="Argument">What was written.</param>
/// <param name="Value">What was answered.</param>
/// <param name="Activation">Who answered.</param>
/// <param name="Note">The silo that answered, or what went wrong.</param>
/// <param name="IsFinal">It was asked when every fault was over and the cluster at rest.</param>
public sealed record Operation(
    string Client,
    string Key,
    OperationKind Kind,
    long Argument,
    long Invoked,
    long Returned,
    Outcome Outcome,
    long Value,
    Guid Activation,
    string Note,
    bool IsFinal = false)
{
    /// <summary>Whether it may change the value.</summary>
    public bool IsWrite => Kind is OperationKind.Increment or OperationKind.Write;

    /// <summary>Whether the grain is a counter.</summary>
    public bool IsOfCounter => Key.StartsWith("counter", StringComparison.Ordinal);

    /// <summary>As a line of a file.</summary>
    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Client}\t{Key}\t{Kind}\t{Argument}\t{Invoked}\t{Returned}\t{Outcome}\t{Value}\t{Activation:N}\t{IsFinal}\t{Note.ReplaceLineEndings(" ").Replace('\t', ' ')}");

    /// <summary>From a line of a file.</summary>
    public static Operation Parse(string line)
    {
        var f = line.Split('\t', 11);
        return new Operation(
            f[0], f[1], Enum.Parse<OperationKind>(f[2]), Number(f[3]), Number(f[4]), Number(f[5]), Enum.Parse<Outcome>(f[6]), Number(f[7]),
            Guid.ParseExact(f[8], "N"), f[10], bool.Parse(f[9]));

        static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
    }
}
