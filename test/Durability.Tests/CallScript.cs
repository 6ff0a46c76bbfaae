using System.Net.WebSockets;
using System.Text;

namespace VoiceCluster.Durability.Tests;

/// <summary>
/// What a round does: pairs of users who call each other at random until the server dies. Each step that was answered is
/// noted; one that was not is not, because nobody knows whether it was done.
/// </summary>
internal sealed class CallScript(Conversation[] conversations, CallNotes notes)
{
    // Between two steps of a pair: short enough that a kill falls into any of them, long enough for some to be at rest.
    private const int MaxPauseMilliseconds = 60;

    /// <summary>Runs until the server does not answer any more.</summary>
    public Task RunAsync(string url, int seed, CancellationToken stop) => Task.WhenAll(
        conversations.Select((c, i) => Task.Run(() => TalkAsync(url, c, new Random(HashCode.Combine(seed, i)), stop), CancellationToken.None)));

    private async Task TalkAsync(string url, Conversation pair, Random random, CancellationToken stop)
    {
        using CallApi api = new(url);
        using ClientWebSocket socket = new();
        try
        {
            await socket.ConnectAsync(
                new UriBuilder(url) { Scheme = "ws", Path = "/api/v1/ws", Query = $"token={pair.Caller.Token}" }.Uri, stop);
            while (!stop.IsCancellationRequested && await CallAsync(api, socket, pair, random, stop))
            {
                await PauseAsync(random, stop);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            notes.Interrupted();
        }
    }

    /// <summary>One call, any of the ways that a call can go. False when the server is gone.</summary>
    private async Task<bool> CallAsync(CallApi api, ClientWebSocket socket, Conversation pair, Random random, CancellationToken stop)
    {
        var started = await api.StartAsync(pair.Caller, pair.Chat, pair.Callee);
        if (started.Status == 0)
        {
            return false;
        }

        if (started.Status == 409)
        {
            // A call of an earlier round still rings, or its end is not noticed yet.
            return (await api.HangupAsync(pair.Caller, started.Body.GetProperty("call_id").GetGuid())).Status != 0;
        }

        if (!started.IsDone)
        {
            return true;
        }

        var id = started.Body.GetProperty("id").GetGuid();
        notes.Started(id, started.State);
        await PauseAsync(random, stop);
        switch (random.Next(6))
        {
            case 0:
                return await NoteAsync(id, api.AnswerAsync(pair.Callee, id, accept: false));
            case 1:
                return await NoteAsync(id, api.HangupAsync(pair.Caller, id));
            case 2:
                // It rings until its time is over; meanwhile the pair is busy with nothing else.
                await Task.Delay(random.Next(1_400), stop);
                return true;
            default:
                if (!await NoteAsync(id, api.AnswerAsync(pair.Callee, id, accept: true)))
                {
                    return false;
                }

                await PauseAsync(random, stop);
                if (random.Next(2) == 0)
                {
                    var connected = $$$"""{"type":"call:connected","data":{"call_id":"{{{id}}}"}}""";
                    await socket.SendAsync(Encoding.UTF8.GetBytes(connected), WebSocketMessageType.Text, true, stop);
                    await PauseAsync(random, stop);
                }

                return random.Next(4) == 0 || await NoteAsync(id, api.HangupAsync(random.Next(2) == 0 ? pair.Caller : pair.Callee, id));
        }
    }

    private async Task<bool> NoteAsync(Guid id, Task<ApiAnswer> step)
    {
        var answer = await step;
        if (answer.IsDone)
        {
            notes.Changed(id, answer.State);
        }

        return answer.Status != 0;
    }

    private static Task PauseAsync(Random random, CancellationToken stop) => Task.Delay(random.Next(MaxPauseMilliseconds), stop);
}

/// <summary>Two users and their chat.</summary>
internal sealed record Conversation(Guid Chat, User Caller, User Callee);
