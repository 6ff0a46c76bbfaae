using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace VoiceCluster.Hosting.Tests;

public sealed class LaunchTests
{
    [Fact]
    public async Task Run_OnAPortInUse_SaysSoInOneLineAndEndsWith1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");

        var (code, error) = await RunAsync(builder);

        Assert.Equal(1, code);
        var line = Assert.Single(error);
        Assert.StartsWith("VoiceCluster cannot start: ", line, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{port}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WithWrongOptions_NamesEachFaultInALine()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddOptions<First>().Validate(_ => false, "One is wrong.").ValidateOnStart();
        builder.Services.AddOptions<Second>().Validate(_ => false, "Two is wrong.").ValidateOnStart();

        var (code, error) = await RunAsync(builder);

        Assert.Equal(1, code);
        Assert.Equal(["VoiceCluster cannot start: One is wrong.", "VoiceCluster cannot start: Two is wrong."], error);
    }

    [Fact]
    public void Faults_OfManyExceptions_AreTheirLines() => Assert.Equal(
        ["a", "b", "c"],
        Launch.Faults(new AggregateException(
            new OptionsValidationException("", typeof(object), ["a", "b"]), new StartException("c"))));

    [Fact]
    public void Faults_OfABug_KeepTheStack() =>
        Assert.Contains(nameof(InvalidTimeZoneException), Assert.Single(Launch.Faults(new InvalidTimeZoneException("x"))), StringComparison.Ordinal);

    [Fact]
    public async Task Run_ThatIsStopped_EndsWith0()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");

        var code = await Launch.RunAsync(() => builder, static app => app.Lifetime.ApplicationStarted.Register(app.Lifetime.StopApplication));

        Assert.Equal(0, code);
    }

    [Fact]
    public async Task Run_WithAValueOfTheWrongType_NamesItsKeyInOneLine()
    {
        var builder = WebApplication.CreateBuilder(["--First:Number=abc"]);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddOptions<First>().Bind(builder.Configuration.GetSection("First")).ValidateOnStart();

        var (code, error) = await RunAsync(builder);

        Assert.Equal(1, code);
        Assert.Contains("First:Number", Assert.Single(error), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string[] Error)> RunAsync(WebApplicationBuilder builder)
    {
        var before = Console.Error;
        using var error = new StringWriter();
        Console.SetError(error);
        try
        {
            var code = await Launch.RunAsync(() => builder, static _ => { });
            return (code, error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        finally
        {
            Console.SetError(before);
        }
    }

    private sealed class First
    {
        public int Number { get; set; }
    }

    private sealed class Second;
}
