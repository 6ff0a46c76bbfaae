using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Clustering;
using VoiceCluster.Events;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Calls;
using VoiceCluster.Grains.CallSessions;
using VoiceCluster.Grains.Channels;
using VoiceCluster.Grains.Chats;
using VoiceCluster.Grains.Events;
using VoiceCluster.Grains.Media;
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
        builder.Services.AddOptions<ChannelOptions>().Bind(builder.Configuration.GetSection(ChannelOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ChannelOptions>, ChannelOptionsValidator>());
        builder.Services.AddOptions<CallSessionOptions>().Bind(builder.Configuration.GetSection(CallSessionOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CallSessionOptions>, CallSessionOptionsValidator>());
        builder.Services.AddOptions<ChatOptions>().Bind(builder.Configuration.GetSection(ChatOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ChatOptions>, ChatOptionsValidator>());
        builder.Services.AddReadiness<ClusterReadiness>();
        var hasDatabase = builder.Configuration["DATABASE_URL"] is { Length: > 0 };
        if (!isStandalone && !hasDatabase)
        {
            throw new StartException("DATABASE_URL must be set: what silos know must survive each of them, and a file of one is of no use to the others.");
        }

        builder.Services.TryAddSingleton<IExternalEvents, ExternalEvents>();

        if (!isStandalone)
        {
            builder.Services.TryAddSingleton<PortWatch>();
            builder.Services.TryAddSingleton<IMediaNodeWatch, MediaNodeWatch>();
        }

        // Before the grains' host, so that it stops after the last grain has told its events.
        builder.AddEventBridge();
        builder.UseOrleans(silo =>
        {
            silo.UseCluster(isStandalone);
            if (isStandalone)
            {
                // Nothing outlives the process but what its clients make anew, and a join waits for no database.
                silo.AddMemoryGrainStorage(GrainStores.Rooms);
                silo.AddMemoryGrainStorage(GrainStores.Peers);
            }

            // Among silos a room that moves takes its members along.
            silo.AddDurableStores(
            [
                .. isStandalone ? Array.Empty<string>() : [GrainStores.Rooms, GrainStores.Peers],
                GrainStores.CallSessions, GrainStores.Recordings, GrainStores.Calls, GrainStores.Chats, GrainStores.Users, GrainStores.Channels, GrainStores.VoiceSessions,
            ]);
            silo.AddReminders();
        });
        return builder;
    }
}
