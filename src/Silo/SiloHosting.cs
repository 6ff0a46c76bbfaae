using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Events;
using VoiceCluster.Grains;
using VoiceCluster.Grains.Calls;
using VoiceCluster.Grains.Channels;
using VoiceCluster.Grains.Events;
using VoiceCluster.Grains.Rooms;
using VoiceCluster.Storage;

namespace VoiceCluster.Silo;

/// <summary>Adds the grains' host to a process.</summary>
public static class SiloHosting
{
    /// <summary>Runs the grains in this process, with clustering and stores as the configuration says.</summary>
    public static TBuilder AddSilo<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddOptions<RoomOptions>().Bind(builder.Configuration.GetSection(RoomOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RoomOptions>, RoomOptionsValidator>());
        builder.Services.AddOptions<CallOptions>().Bind(builder.Configuration.GetSection(CallOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CallOptions>, CallOptionsValidator>());
        builder.Services.AddOptions<ChannelOptions>().Bind(builder.Configuration.GetSection(ChannelOptions.Section)).ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ChannelOptions>, ChannelOptionsValidator>());
        builder.Services.TryAddSingleton<IExternalEvents, ExternalEvents>();

        // Before the grains' host, so that it stops after the last grain has told its events.
        builder.AddEventBridge();
        builder.UseOrleans(silo => silo
            .UseLocalhostClustering()
            .AddMemoryGrainStorage(GrainStores.Rooms)
            .AddDurableStores(GrainStores.Calls, GrainStores.Chats, GrainStores.Users, GrainStores.Channels, GrainStores.VoiceSessions)
            .AddReminders());
        return builder;
    }
}
