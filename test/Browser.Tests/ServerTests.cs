using System.Diagnostics;
using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>The server as a process.</summary>
[Collection(ClusterGroup.Name)]
public sealed class ServerTests(ClusterFixture cluster, ITestOutputHelper output)
{
    [Fact]
    public async Task Sigterm_WithPeopleInARoom_DrainsAndEndsWithZero()
    {
        await using var server = await StandaloneServer.StartAsync("server-sigterm");
        await using var page = await cluster.OpenHarnessAsync(server);
        var ada = await page.JoinAsync("drain", 500);
        var bob = await page.JoinAsync("drain", 800);
        await page.AllHearAsync([ada, bob], [ada, bob]);

        var since = Stopwatch.GetTimestamp();
        var exitCode = await server.StopAsync();

        output.WriteLine($"ended {Stopwatch.GetElapsedTime(since).TotalMilliseconds:F0} ms after SIGTERM");
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task Pages_OverHttp_HaveTheirTypesAndAStrictPolicy()
    {
        using var http = new HttpClient { BaseAddress = new Uri(cluster.Server.Url) };
        foreach (var (path, type) in new[] { ("/", "text/html"), ("/app.js", "text/javascript"), ("/app.css", "text/css"), ("/favicon.svg", "image/svg+xml") })
        {
            using var response = await http.GetAsync(path);
            Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
            Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        }

        using var start = await http.GetAsync("/");
        var policy = string.Join(' ', start.Headers.GetValues("Content-Security-Policy"));
        Assert.Matches("default-src '(none|self)'", policy);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("*", policy, StringComparison.Ordinal);
    }
}
