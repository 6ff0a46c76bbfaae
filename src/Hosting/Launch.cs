using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace VoiceCluster.Hosting;

/// <summary>Why a process cannot start, said so that its operator can mend it.</summary>
public sealed class StartException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Runs a process: one that cannot start says why in a line a fault on stderr and ends with 1.</summary>
public static class Launch
{
    // The host would log the fault of a start too, with its stack.
    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";

    /// <summary>Runs the application until it is told to stop. Answers the process's exit code.</summary>
    public static async Task<int> RunAsync(Func<WebApplicationBuilder> build, Action<WebApplication> map)
    {
        var isStarted = false;
        try
        {
            var builder = build();
            builder.Logging.AddFilter(HostCategory, _ => Volatile.Read(ref isStarted));
            await using var app = builder.Build();
            map(app);
            await app.StartAsync().ConfigureAwait(false);
            Volatile.Write(ref isStarted, true);
            await app.WaitForShutdownAsync().ConfigureAwait(false);
            return 0;
        }
        catch (Exception e) when (!Volatile.Read(ref isStarted))
        {
            foreach (var fault in Faults(e))
            {
                await Console.Error.WriteLineAsync($"VoiceCluster cannot start: {fault}").ConfigureAwait(false);
            }

            return 1;
        }
    }

    /// <summary>A line for each fault; what nobody expected keeps its stack.</summary>
    public static IEnumerable<string> Faults(Exception exception) => exception switch
    {
        OptionsValidationException invalid => invalid.Failures,
        AggregateException many => many.InnerExceptions.SelectMany(Faults),
        StartException or OrleansConfigurationException or IOException or SocketException or UnauthorizedAccessException => [exception.Message],

        // A value of the wrong type has no exception type of its own.
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } => [exception.Message],
        _ => [exception.ToString()],
    };
}
