using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using VoiceCluster.Grains;

namespace VoiceCluster.ApiFrontend.Tests.Channels;

/// <summary>The frontend in Open mode over the real grains, without a media node.</summary>
internal sealed class OpenChannelsApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OpenChannelsApp(WebApplication app)
    {
        _app = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
    }

    public HttpClient Http { get; }

    public static async Task<OpenChannelsApp> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection([new("Http:Ports", "0"), new("Http:DrainDelay", "00:00:00"), new("Auth:Mode", "Open")]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseKestrelCore();
        builder.UseOrleans(silo =>
        {
            foreach (var name in new[] { GrainStores.Rooms, GrainStores.Users, GrainStores.Channels })
            {
                silo.AddMemoryGrainStorage(name);
            }

            silo.UseInMemoryReminderService();
        });
        builder.AddApiFrontend();
        var app = builder.Build();
        app.MapApiFrontend();
        await app.StartAsync();
        return new OpenChannelsApp(app);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
