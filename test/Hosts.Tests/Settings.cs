using System.Globalization;

namespace VoiceCluster.Hosts.Tests;

/// <summary>How much a run does: little here, more by the commands of bench/cluster, which set the environment.</summary>
internal static class Settings
{
    /// <summary>Talkers of the rolling upgrade.</summary>
    public static int Talkers { get; } = Read("VOICECLUSTER_TALKERS", 8);

    /// <summary>How often a silo is stopped, and killed.</summary>
    public static int SiloRounds { get; } = Read("VOICECLUSTER_SILO_ROUNDS", 1);

    /// <summary>Rooms that are asked for an answer while a silo goes.</summary>
    public static int ProbedRooms { get; } = Read("VOICECLUSTER_PROBED_ROOMS", 24);

    /// <summary>How long a store is away.</summary>
    public static TimeSpan Outage { get; } = TimeSpan.FromSeconds(Read("VOICECLUSTER_OUTAGE_SECONDS", 15));

    /// <summary>What is away, by cases: stores by commas, each killed or hung.</summary>
    public static string[] Outages { get; } = Environment.GetEnvironmentVariable("VOICECLUSTER_OUTAGES") is { Length: > 0 } cases
        ? cases.Split(';', StringSplitOptions.TrimEntries)
        : ["redis killed", "postgres killed", "redis killed, postgres killed", "postgres hung"];

    private static int Read(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
