using VoiceCluster.ApiFrontend;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.MediaNode;
using VoiceCluster.Silo;

namespace VoiceCluster.Standalone;

/// <summary>What is different when everything runs in one process on one person's machine.</summary>
internal static class StandaloneHosting
{
    /// <summary>Ctrl-C and SIGTERM end the process within 10 s; this leaves 2 s for what is not a hosted service.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(8);

    /// <summary>All parts with their settings, not yet built.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.AddStandaloneDefaults(args);
        builder.AddSilo();
        builder.AddApiFrontend(AuthDefaults.Standalone);
        builder.AddMediaNode();
        builder.Services.AddHostedService<UnsupportedSettings>();
        builder.Services.AddHostedService<ReadyAnnouncement>();
        return builder;
    }

    /// <summary>
    /// Configuration, later wins: the defaults beside the program, appsettings.json of the working directory,
    /// environment, command line. Logs go to stderr, so that stdout carries the ready line alone.
    /// </summary>
    public static void AddStandaloneDefaults(this WebApplicationBuilder builder, string[] args)
    {
        builder.Configuration
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddEnvironmentVariables()
            .AddCommandLine(args);
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console =>
            {
                console.LogToStandardErrorThreshold = LogLevel.Trace;

                // A log that nobody reads must not make requests wait.
                console.QueueFullMode = Microsoft.Extensions.Logging.Console.ConsoleLoggerQueueFullMode.DropWrite;
            });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
    }
}
