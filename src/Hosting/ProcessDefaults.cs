using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using VoiceCluster.Hosting.Settings;

namespace VoiceCluster.Hosting;

/// <summary>What all processes of VoiceCluster share: where settings come from, how they log, how long they take to stop.</summary>
public static class ProcessDefaults
{
    /// <summary>Ctrl-C and SIGTERM end a process within 10 s; this leaves 2 s for what is not a hosted service.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(8);

    private static readonly Dictionary<string, string?> LogLevels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft"] = "Warning",
    };

    /// <summary>A builder with the program's own folder as its root and these defaults.</summary>
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = LogLevels });

        // Later wins: the defaults beside the program, appsettings.json and settings.toml of the working directory, environment, command line.
        builder.Configuration
            .AddJsonFile(Path.GetFullPath("appsettings.json"), optional: true)
            .AddSettingsToml(Path.GetFullPath(SettingsFile.Name))
            .AddEnvironmentVariables()
            .AddCommandLine(args);
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss.fff ";
        });
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            // Logs go to stderr, so that stdout carries the ready line alone; and a log that nobody reads must not make requests wait.
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = ShutdownTimeout);
        return builder;
    }

    /// <summary>Listens for operators at loopback, unless the environment says where (<c>ASPNETCORE_URLS</c>, <c>ASPNETCORE_HTTP_PORTS</c>, <c>--urls</c>).</summary>
    public static WebApplicationBuilder ListenAtLoopback(this WebApplicationBuilder builder, int port)
    {
        if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null)
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        }

        return builder;
    }
}
