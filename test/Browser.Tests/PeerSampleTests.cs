namespace VoiceCluster.Browser.Tests;

/// <summary>The scripts of samples/curl that speak to the door of peers, run as they are against a server of their own.</summary>
public sealed class PeerSampleTests
{
    private static string Samples => Path.Combine(Repository.Root, "samples", "curl");

    [Fact]
    public async Task ChatScript_AgainstADefaultStart_PrintsTheConversation()
    {
        await using var server = await StandaloneServer.StartAsync("peer-samples");

        var lines = await RunAsync(server, "004-chat.sh");

        Assert.Equal("Server is healthy", lines[0]);
        Assert.Matches("^session sess_[0-9a-f]{32}$", lines[1]);
        Assert.Equal(
            ["1 user123: Hello! attachments=1 reactions=\ud83d\udc4d", "2 user456: Hi. attachments=0 reactions=", "usage messages=2 attachments=1 reactions=1"],
            lines[2..]);
    }

    [Fact]
    public async Task CallScript_AgainstADefaultStart_PrintsTheParticipants()
    {
        await using var server = await StandaloneServer.StartAsync("peer-samples");

        var lines = await RunAsync(server, "004-call.sh");

        Assert.Matches("^call call_[0-9a-f]{32}$", lines[0]);
        Assert.Equal(
            [
                "user123 host muted=false quality=100", "user456 moderator muted=false quality=85", "user789 participant muted=true quality=100",
                "after the host has left:", "user456 host muted=false quality=85",
            ],
            lines[1..]);
    }

    private static async Task<string[]> RunAsync(StandaloneServer server, string script) =>
        (await Command.RunAsync(Samples, "bash", script, server.Url)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
