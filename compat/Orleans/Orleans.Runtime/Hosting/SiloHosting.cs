using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Storage;
using Orleans.Timers;

namespace Orleans.Hosting
{
    /// <summary>Silos in this process only, and their stores.</summary>
    public static class SiloBuilderExtensions
    {
        /// <summary>A cluster of this silo alone.</summary>
        public static ISiloBuilder UseLocalhostClustering(
            this ISiloBuilder builder,
            int siloPort = 11_111,
            int gatewayPort = 30_000,
            System.Net.IPEndPoint? primarySiloEndpoint = null,
            string serviceId = "dev",
            string clusterId = "dev") => builder
            .Configure<Configuration.EndpointOptions>(o => (o.SiloPort, o.GatewayPort) = (siloPort, gatewayPort))
            .Configure<Configuration.ClusterOptions>(o => (o.ServiceId, o.ClusterId) = (serviceId, clusterId));

        /// <summary>Storage in memory under a name.</summary>
        public static ISiloBuilder AddMemoryGrainStorage(this ISiloBuilder builder, string name)
        {
            builder.Services.AddKeyedSingleton<IGrainStorage, MemoryGrainStorage>(name);
            return builder;
        }

        /// <summary>Storage in memory for states that name no storage.</summary>
        public static ISiloBuilder AddMemoryGrainStorageAsDefault(this ISiloBuilder builder)
        {
            builder.Services.AddSingleton<IGrainStorage, MemoryGrainStorage>();
            return builder;
        }

        /// <summary>Reminders in memory.</summary>
        public static ISiloBuilder UseInMemoryReminderService(this ISiloBuilder builder)
        {
            builder.Services.TryAddSingleton<IReminderTable, InMemoryReminderTable>();
            return builder.AddReminders();
        }

        /// <summary>The reminder service over whatever IReminderTable is registered.</summary>
        public static ISiloBuilder AddReminders(this ISiloBuilder builder)
        {
            builder.Services.TryAddSingleton<LocalReminderService>();
            builder.Services.TryAddSingleton<IReminderRegistry>(s => s.GetRequiredService<LocalReminderService>());
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(s => s.GetRequiredService<LocalReminderService>());
            return builder;
        }

        /// <summary>Work that runs when the silo starts.</summary>
        public static ISiloBuilder AddStartupTask(
            this ISiloBuilder builder, Func<IServiceProvider, CancellationToken, Task> startupTask, int stage = ServiceLifecycleStage.Active)
        {
            builder.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(s => new StartupTask(s, startupTask, stage));
            return builder;
        }

        private sealed class StartupTask(IServiceProvider services, Func<IServiceProvider, CancellationToken, Task> task, int stage)
            : ILifecycleParticipant<ISiloLifecycle>
        {
            public void Participate(ISiloLifecycle lifecycle) =>
                lifecycle.Subscribe("Startup task", stage, token => task(services, token));
        }
    }
}

namespace Microsoft.Extensions.Hosting
{
    /// <summary>Adds a silo to a host.</summary>
    public static class OrleansHostingExtensions
    {
        /// <summary>Runs a silo in this host.</summary>
        public static IHostApplicationBuilder UseOrleans(this IHostApplicationBuilder hostAppBuilder, Action<ISiloBuilder> configureDelegate)
        {
            configureDelegate(new SiloBuilder(hostAppBuilder.Services, hostAppBuilder.Configuration));
            AddSilo(hostAppBuilder.Services);
            return hostAppBuilder;
        }

        /// <summary>Runs a silo in this host.</summary>
        public static IHostBuilder UseOrleans(this IHostBuilder hostBuilder, Action<ISiloBuilder> configureDelegate) =>
            hostBuilder.UseOrleans((_, silo) => configureDelegate(silo));

        /// <summary>Runs a silo in this host.</summary>
        public static IHostBuilder UseOrleans(this IHostBuilder hostBuilder, Action<HostBuilderContext, ISiloBuilder> configureDelegate) =>
            hostBuilder.ConfigureServices((context, services) =>
            {
                configureDelegate(context, new SiloBuilder(services, context.Configuration));
                AddSilo(services);
            });

        private static void AddSilo(IServiceCollection services)
        {
            services.AddLogging();
            services.AddOptions();
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<SiloRuntime>();
            services.TryAddSingleton<IGrainRuntime, GrainRuntime>();
            services.TryAddSingleton(s => new Orleans.Serialization.Serializer(s.GetRequiredService<SiloRuntime>().Caller));
            services.Replace(ServiceDescriptor.Singleton<IClusterClient>(s => s.GetRequiredService<SiloRuntime>().Factory));
            services.Replace(ServiceDescriptor.Singleton<IGrainFactory>(s => s.GetRequiredService<SiloRuntime>().Factory));
            if (services.Any(d => d.ServiceType == typeof(IMembershipTable)))
            {
                services.AddSingleton<IHealthCheckParticipant>(static s => s.GetRequiredService<SiloRuntime>().Cluster!);
            }

            services.AddHostedService<SiloHostedService>();
        }

        private sealed class SiloBuilder(IServiceCollection services, IConfiguration configuration) : ISiloBuilder
        {
            public IServiceCollection Services => services;

            public IConfiguration Configuration => configuration;
        }

        /// <summary>
        /// Starts the silo before the other hosted services and, as an IHostedLifecycleService, stops it after them:
        /// they may still call grains while they stop.
        /// </summary>
        private sealed class SiloHostedService(SiloRuntime silo, IHostApplicationLifetime lifetime) : IHostedLifecycleService
        {
            public Task StartingAsync(CancellationToken cancellationToken)
            {
                // The others took this silo's grains over: a new start joins as a new silo.
                silo.Died += lifetime.StopApplication;
                return silo.StartAsync(cancellationToken);
            }

            public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

            public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

            public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

            public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

            public Task StoppedAsync(CancellationToken cancellationToken) => silo.StopAsync(cancellationToken);
        }
    }
}
