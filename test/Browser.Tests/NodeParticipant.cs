using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>A participant on another WebRTC stack, libwebrtc for Node, in a process of its own; see test/Interop.</summary>
internal sealed class NodeParticipant : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private NodeParticipant(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Joins a room through Socket.IO.</summary>
    public static Task<NodeParticipant> JoinAsync(string server, string room, int toneHz, int[] candidates, string transports) =>
        StartAsync("participant.mjs", server, room, toneHz, candidates, transports);

    /// <summary>Joins a channel through the voice service; with no slots it hears the mix.</summary>
    public static Task<NodeParticipant> JoinVoiceAsync(string server, string channel, int toneHz, int[] candidates, int slots) =>
        StartAsync("voice.mjs", server, channel, toneHz, candidates, slots.ToString(CultureInfo.InvariantCulture));

    /// <summary>Joins a room as a peer of <c>/offer</c>; it is offered each voice by itself, or hears the mix.</summary>
    public static Task<NodeParticipant> JoinPeerAsync(string server, string room, int toneHz, int[] candidates, bool tracks) =>
        StartAsync("peer.mjs", server, room, toneHz, candidates, tracks ? "tracks" : "mix");

    private static async Task<NodeParticipant> StartAsync(string script, string server, string room, int toneHz, int[] candidates, string last)
    {
        var folder = Path.Combine(Repository.Root, "test", "Interop");
        await Command.InstallPackagesAsync(folder);
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                "node",
                [script, server, room, toneHz.ToString(CultureInfo.InvariantCulture), string.Join(',', candidates), last])
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        var participant = new NodeParticipant(process);
        await participant.WaitForLineAsync(line => line.TryGetProperty("joined", out _), "join");
        return participant;
    }

    /// <summary>Waits until the participant says that it hears exactly these tones, one a voice.</summary>
    public Task HearsExactlyAsync(params int[] tones) => WaitForLineAsync(
        line => line.TryGetProperty("hears", out var voices)
            && voices.EnumerateArray().All(voice => voice.GetArrayLength() == 1)
            && voices.EnumerateArray().Select(voice => voice[0].GetInt32()).Order().SequenceEqual(tones.Order()),
        $"hear {string.Join(", ", tones)} Hz");

    /// <summary>Waits until the one voice that the participant hears is made of exactly these tones.</summary>
    public Task HearsTogetherAsync(params int[] tones) => WaitForLineAsync(
        line => line.TryGetProperty("hears", out var voices)
            && voices.GetArrayLength() == 1
            && voices[0].EnumerateArray().Select(tone => tone.GetInt32()).Order().SequenceEqual(tones.Order()),
        $"hear {string.Join(", ", tones)} Hz in one voice");

    /// <summary>Leaves the room and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(Deadline);
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new TimeoutException("The Node participant did not end.");
        }
        finally
        {
            _process.Dispose();
        }
    }

    private async Task WaitForLineAsync(Func<JsonElement, bool> wanted, string what)
    {
        var seen = new List<string>();
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            while (await _process.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            {
                seen.Add(line);
                using var json = JsonDocument.Parse(line);
                if (wanted(json.RootElement))
                {
                    return;
                }
            }

            Assert.Fail($"The Node participant ended and did not {what}: {string.Join(' ', seen)}\n{await _errors}");
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The Node participant did not {what} within {Deadline}: {string.Join(' ', seen)}");
        }
    }
}
