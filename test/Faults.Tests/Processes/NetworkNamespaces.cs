using System.Diagnostics;
using System.Globalization;

namespace VoiceCluster.Faults.Tests.Processes;

/// <summary>
/// A network of the test's own: a namespace for each silo, joined by a bridge whose address is the test's. A way from one
/// to another is cut by a false entry in its table of neighbours: what it sends goes nowhere, in silence, and only that.
/// </summary>
internal sealed class NetworkNamespaces : IDisposable
{
    private static int _networks;

    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"vcf{Environment.ProcessId % 100_000}{(char)('a' + Interlocked.Increment(ref _networks))}");
    private readonly int _network = (Environment.ProcessId + (_networks * 61)) % 250;
    private readonly int _count;

    public NetworkNamespaces(int count)
    {
        _count = count;
        Run($"link add {_name} type bridge");
        Run($"addr add {Bridge}/24 dev {_name}");
        Run($"link set {_name} up");
        for (var i = 0; i < count; i++)
        {
            Run($"netns add {Space(i)}");
            Run($"link add {_name}{i} type veth peer name eth0 netns {Space(i)}");
            Run($"link set {_name}{i} master {_name} up");
            Run($"-n {Space(i)} addr add {Address(i)}/24 dev eth0");
            Run($"-n {Space(i)} link set eth0 up");
            Run($"-n {Space(i)} link set lo up");
        }
    }

    /// <summary>Why there can be none here. With root there must be: then a fault fails the test that needs them, and does not hide it.</summary>
    public static string? WhyNot { get; } = Environment.IsPrivilegedProcess ? null : "Network namespaces need root: schedules with cut networks are left out.";

    /// <summary>The test's own address.</summary>
    public string Bridge => $"10.217.{_network}.1";

    /// <summary>The name of a namespace.</summary>
    public string Space(int index) => $"{_name}-{index}";

    /// <summary>The address in it.</summary>
    public string Address(int index) => $"10.217.{_network}.{index + 10}";

    /// <summary>What goes from one to an address is lost.</summary>
    public void Cut(int from, string to) => Run($"-n {Space(from)} neigh replace {to} lladdr 02:00:00:00:00:01 dev eth0 nud permanent");

    /// <summary>Everything passes again.</summary>
    public void Mend()
    {
        for (var i = 0; i < _count; i++)
        {
            Run($"-n {Space(i)} neigh flush dev eth0 nud permanent");
        }
    }

    public void Dispose()
    {
        for (var i = 0; i < _count; i++)
        {
            Run($"netns del {Space(i)}");
        }

        Run($"link del {_name}");
    }

    private static void Run(string arguments)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        if (ip.ExitCode != 0)
        {
            throw new InvalidOperationException($"ip {arguments} ended with {ip.ExitCode}: {error.Trim()}");
        }
    }
}

/// <summary>A test that needs network namespaces; without root it is skipped and says why.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NetworkFactAttribute : FactAttribute
{
    public NetworkFactAttribute() => Skip = NetworkNamespaces.WhyNot;
}
