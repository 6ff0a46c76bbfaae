using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Clustering;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Calls;
using VoiceCluster.Grains.Rooms;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Storage;

namespace VoiceCluster.Silo;

/// <summary>Adds the grains' host to a process.</summary>
public static class SiloHosting
{
    /// <summary>The port for operators.</summary>
    public const int HttpPort = 8088;

    /// <summary>Runs the grains in this process, with clustering and stores as the configuration says.</summary>
    public static TBuilder AddSilo<TBuilder>(this TBuilder builder, bool isStandalone = false)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddOptions<RoomOptions>().Bind(builder.Configuration.GetSection(RoomOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RoomOptions>, RoomOptionsValidator>());
        builder.Services.AddOptions<CallOptions>().Bind(builder.Configuration.GetSection(CallOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CallOptions>, CallOptionsValidator>());
        builder.Services.AddReadiness<ClusterReadiness>();
        var hasDatabase = builder.Configuration["DATABASE_URL"] is { Length: > 0 };
        if (!isStandalone && !hasDatabase)
        {
            throw new StartException("DATABASE_URL must be set: what silos know must survive each of them, and a file of one is of no use to the others.");
        }

        builder.UseOrleans(silo =>
        {
            silo.UseCluster(isStandalone);
            if (hasDatabase)
            {
                // A room that moves to another silo takes its members along.
                silo.AddDurableStores(GrainStores.Rooms, GrainStores.Calls, GrainStores.Chats, GrainStores.Users);
            }
            else
            {
                silo.AddMemoryGrainStorage(GrainStores.Rooms).AddDurableStores(GrainStores.Calls, GrainStores.Chats, GrainStores.Users);
            }

            silo.AddReminders();
        });
        return builder;
    }
}
