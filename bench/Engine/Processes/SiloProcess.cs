using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Bench.Engine.Grains;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Rooms;

namespace VoiceCluster.Bench.Engine.Processes;

/// <summary>A silo, alone or in a cluster: what a child process of the measurement runs.</summary>
internal static class SiloProcess
{
    /// <summary>Takes no clients.</summary>
    public const string Inner = "inner";

    /// <summary>Arguments: the cluster, the table's connection string or "alone", and "hello" to call a grain at once or "inner" to take no clients.</summary>
    public static async Task RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddOptions<RoomOptions>();
        builder.Services.AddSingleton<Door>();
        builder.UseOrleans(silo =>
        {
            silo.AddMemoryGrainStorageAsDefault();
            silo.AddMemoryGrainStorage(GrainStores.Rooms);
            if (args[1] == "alone")
            {
                silo.UseLocalhostClustering(FreePort(), FreePort());
                return;
            }

            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = ("Npgsql", args[1]));
            silo.Configure<Orleans.Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (args[0], "bench"));
            silo.Configure<Orleans.Configuration.SiloOptions>(o => o.SiloName = Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            silo.Configure<Orleans.Configuration.EndpointOptions>(o =>
                (o.AdvertisedIPAddress, o.SiloPort, o.GatewayPort) = (System.Net.IPAddress.Loopback, FreePort(), args is [_, _, Inner] ? 0 : FreePort()));
        });
        if (args[1] != "alone")
        {
            // After the silo, which it speaks through.
            builder.Services.AddHostedService<InstantMediaNode>();
        }

        using var host = builder.Build();
        await host.StartAsync();
        if (args is [_, _, "hello"])
        {
            await host.Services.GetRequiredService<IGrainFactory>().GetGrain<IEchoGrain>(1).EchoAsync(new Echo("hello", 1));
        }

        Console.WriteLine("ready");

        // The parent's end is ours.
        _ = Task.Run(async () =>
        {
            await Console.In.ReadToEndAsync();
            host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        });
        await host.WaitForShutdownAsync();
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
