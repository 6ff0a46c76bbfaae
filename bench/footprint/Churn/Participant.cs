using System.Text.Json;
using VoiceCluster.LoadTest.Signalling;
using VoiceCluster.Media.Dtls;

namespace VoiceCluster.Bench.Churn;

/// <summary>A participant without a browser: joins through the mediasoup door, with a transport to send and one to receive, as a browser has.</summary>
internal sealed class Participant : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static int _lastSsrc = 1000;

    private readonly SocketIoClient _socket;
    private readonly MediaLoop _loop;
    private readonly string _room;
    private readonly string _capabilities;
    private readonly Queue<string> _producers = new();

    private Participant(SocketIoClient socket, MediaLoop loop, string room, JsonElement joined)
    {
        _socket = socket;
        _loop = loop;
        _room = room;
        _capabilities = joined.GetProperty("rtpCapabilities").GetRawText();
        foreach (var producer in joined.GetProperty("producers").EnumerateArray())
        {
            _producers.Enqueue(producer.GetProperty("producerId").GetString()!);
        }
    }

    /// <summary>The transport that sends; null before <see cref="TalkAsync"/>.</summary>
    public MediaLink? Send { get; private set; }

    /// <summary>The transport that receives; null before <see cref="ListenAsync"/>.</summary>
    public MediaLink? Receive { get; private set; }

    private string ProducerId { get; set; } = "";

    public static async Task<Participant> JoinAsync(Uri server, MediaLoop loop, string room, string user)
    {
        var socket = await SocketIoClient.ConnectAsync(server, "/voice");
        try
        {
            var joined = await socket.AskAsync("join-room", $$"""{"roomId":"{{room}}","userId":"{{user}}"}""");
            return new Participant(socket, loop, room, joined);
        }
        catch
        {
            await socket.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes the sending transport, connects it and sends audio.</summary>
    public async Task TalkAsync(DtlsContext certificate)
    {
        (Send, var id) = await ConnectAsync(certificate);
        var ssrc = (uint)Interlocked.Increment(ref _lastSsrc);
        var answer = await _socket.AskAsync("produce", $$$"""
            {"roomId":"{{{_room}}}","transportId":"{{{id}}}","kind":"audio","rtpParameters":{"mid":"0",
            "codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{"minptime":10,"useinbandfec":1},"rtcpFeedback":[]}],
            "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":7,"encrypt":false,"parameters":{}}],
            "encodings":[{"ssrc":{{{ssrc}}}}],"rtcp":{"cname":"churn","reducedSize":true} } }
            """);
        ProducerId = answer.GetProperty("id").GetString()!;
        await _loop.InvokeAsync(() => Send.Talk(ssrc));
    }

    /// <summary>Makes the receiving transport, and consumes the first producer of the room, waiting for one if need be.</summary>
    public async Task ListenAsync(DtlsContext certificate)
    {
        (Receive, var id) = await ConnectAsync(certificate);
        using var deadline = new CancellationTokenSource(Deadline);
        while (_producers.Count == 0)
        {
            var happened = await _socket.Events.ReadAsync(deadline.Token);
            if (happened[0].GetString() == "new-producer")
            {
                _producers.Enqueue(happened[1].GetProperty("producerId").GetString()!);
            }
        }

        await _socket.AskAsync("consume",
            $$"""{"roomId":"{{_room}}","transportId":"{{id}}","producerId":"{{_producers.Dequeue()}}","rtpCapabilities":{{_capabilities}}}""");
    }

    /// <summary>Waits until the other is heard.</summary>
    public Task HearAsync() => Receive!.Heard.WaitAsync(Deadline);

    /// <summary>Pauses or resumes at the server alone: the packets go on, so only the server can silence them.</summary>
    public Task SetPausedAsync(bool paused) =>
        _socket.AskAsync(paused ? "pause-producer" : "resume-producer", $$"""{"roomId":"{{_room}}","producerId":"{{ProducerId}}"}""");

    /// <summary>Leaves by request; without it, disposal leaves as a closed page does.</summary>
    public Task LeaveAsync() => _socket.AskAsync("leave-room", $$"""{"roomId":"{{_room}}"}""");

    public async ValueTask DisposeAsync()
    {
        foreach (var link in new[] { Send, Receive })
        {
            if (link is not null)
            {
                await _loop.RemoveAsync(link);
            }
        }

        await _socket.DisposeAsync();
    }

    private async Task<(MediaLink Link, string Id)> ConnectAsync(DtlsContext certificate)
    {
        var description = await _socket.AskAsync("create-transport", $$"""{"roomId":"{{_room}}"}""");
        var id = description.GetProperty("id").GetString()!;
        var link = new MediaLink(certificate, description.GetRawText());
        await _loop.AddAsync(link);
        try
        {
            await _socket.AskAsync("connect-transport", $$"""{"roomId":"{{_room}}","transportId":"{{id}}","dtlsParameters":{{link.DtlsParametersJson}}}""");
            await link.Connected.WaitAsync(Deadline);
            return (link, id);
        }
        catch
        {
            await _loop.RemoveAsync(link);
            throw;
        }
    }
}
