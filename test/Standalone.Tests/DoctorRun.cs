using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Reflection;

namespace VoiceCluster.Standalone.Tests;

/// <summary>One run of <c>doctor</c> with free ports and a data folder of its own.</summary>
internal sealed record DoctorRun(int ExitCode, string[] Lines)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Later settings win over those that make the run independent of this machine.</summary>
    public static async Task<DoctorRun> RunAsync(params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("voicecluster-doctor-").FullName;
        try
        {
            var media = UdpPort();
            return await RunProcessAsync(folder,
            [
                "doctor",
                $"--Http:Ports={TcpPort()}",
                string.Create(CultureInfo.InvariantCulture, $"--Media:PortRange={media}-{media}"),
                "--Media:Workers=1",
                $"--Media:HttpPort={TcpPort()}",
                $"--Relay:UdpPort={UdpPort()}",
                $"--Data:Path={folder}",
                "--Ice:StunUrls=",
                .. settings,
            ]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A TCP port that nothing uses now.</summary>
    public static int TcpPort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>A UDP port that nothing uses now.</summary>
    public static int UdpPort()
    {
        using UdpClient socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }

    /// <summary>The lines of a verdict and part.</summary>
    public string[] Of(string verdict, string part)
        => [.. Lines.Where(l => l.StartsWith(verdict, StringComparison.Ordinal) && l[4..].TrimStart().StartsWith(part, StringComparison.Ordinal))];

    public override string ToString() => $"exit code {ExitCode}\n{string.Join('\n', Lines)}";

    private static async Task<DoctorRun> RunProcessAsync(string folder, string[] arguments)
    {
        var program = Path.Combine(Metadata("RepositoryRoot"), "src", "Standalone", "bin", Metadata("Configuration"), "net10.0", "VoiceCluster.Standalone.dll");
        using Process process = new()
        {
            StartInfo = new ProcessStartInfo("dotnet", [program, .. arguments])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using CancellationTokenSource deadline = new(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"doctor did not end within {Deadline}:\n{await output}\n{await errors}");
        }

        Assert.Equal("", await errors);
        return new DoctorRun(process.ExitCode, (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Metadata(string key)
        => typeof(DoctorRun).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
