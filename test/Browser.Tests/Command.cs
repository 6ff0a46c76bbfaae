using System.Diagnostics;

namespace VoiceCluster.Browser.Tests;

/// <summary>Runs a command to its end.</summary>
internal static class Command
{
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(3);

    /// <summary>Gives the command's output; a failure throws with everything that it wrote.</summary>
    public static async Task<string> RunAsync(string directory, string file, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(file, arguments)
            {
                WorkingDirectory = directory,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} {string.Join(' ', arguments)} did not end within {Deadline}:\n{await output}\n{await errors}");
        }

        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{file} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{await output}\n{await errors}");
    }

    /// <summary>Installs a folder's npm packages as its lock file says, unless they are there.</summary>
    public static async Task InstallPackagesAsync(string directory)
    {
        if (!File.Exists(Path.Combine(directory, "node_modules", ".package-lock.json")))
        {
            await RunAsync(directory, "npm", "ci", "--no-audit", "--no-fund");
        }
    }
}
