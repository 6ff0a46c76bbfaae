using System.Net;
using System.Net.Sockets;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace VoiceCluster.Bench.Packets;

/// <summary>A call of a grain in the same silo, as doors make them in one process: 32 characters there and back. bench/Engine has calls between processes.</summary>
[MemoryDiagnoser]
public class EngineBenchmarks
{
    private static readonly Greeting Hello = new(new string('x', 32));

    private IHost _host = null!;
    private IGreeterGrain _grain = null!;

    /// <summary>Starts a silo and calls the grain once.</summary>
    [GlobalSetup]
    public async Task OpenAsync()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.UseOrleans(silo => silo.UseLocalhostClustering(FreePort(), FreePort()));
        _host = builder.Build();
        await _host.StartAsync();
        _grain = _host.Services.GetRequiredService<IGrainFactory>().GetGrain<IGreeterGrain>(1);
        await _grain.GreetAsync(Hello);
    }

    /// <summary>Stops the silo.</summary>
    [GlobalCleanup]
    public async Task CloseAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    /// <summary>One call, awaited.</summary>
    [Benchmark]
    public Task<Greeting> Call() => _grain.GreetAsync(Hello);

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Answers what it is told.</summary>
public interface IGreeterGrain : IGrainWithIntegerKey
{
    /// <summary>Gives the greeting back.</summary>
    Task<Greeting> GreetAsync(Greeting greeting);
}

/// <summary>A message.</summary>
/// <param name="Text">What it says.</param>
[GenerateSerializer, Immutable, Alias("vc.bench.Greeting")]
public sealed record Greeting([property: Id(0)] string Text);

/// <inheritdoc/>
public sealed class GreeterGrain : Grain, IGreeterGrain
{
    /// <inheritdoc/>
    public Task<Greeting> GreetAsync(Greeting greeting) => Task.FromResult(greeting);
}
