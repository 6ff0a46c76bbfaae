using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.LoadTest.Signalling;
using VoiceCluster.Media.Dtls;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>
/// A participant who talks and listens without pause, by the mediasoup door. It does what docs/protocols/mediasoup.md asks of a
/// client: connects again when its connection ends and takes its participant over, and makes new transports when the media moves
/// before it closes the old ones.
/// </summary>
internal sealed class Talker : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>How long the old transports stay beside the new ones, so that those who are slower are still heard.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromSeconds(1.5);
    private static int _lastSsrc = 1000;

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<int, Hearing> _hearings = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly TaskCompletionSource _inRoom = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _producers = [];
    private readonly HashSet<string> _consumed = [];
    private readonly MediaThread _media;
    private readonly DtlsContext _certificate;
    private readonly Func<Uri> _frontend;
    private readonly string _room;
    private readonly Voice _voice;
    private SocketIoClient? _socket;
    private string _capabilities = "{}";
    private string? _resumeToken;
    private MediaLink? _send;
    private MediaLink? _receive;
    private Task _running = Task.CompletedTask;

    /// <param name="id">Its number, which its frames carry.</param>
    /// <param name="room">The room.</param>
    /// <param name="frontend">Where to connect, asked each time.</param>
    /// <param name="media">The thread of its media.</param>
    /// <param name="certificate">Its certificate.</param>
    public Talker(int id, string room, Func<Uri> frontend, MediaThread media, DtlsContext certificate)
    {
        Id = id;
        _room = room;
        _frontend = frontend;
        _media = media;
        _certificate = certificate;
        _voice = new Voice(id);
    }

    public int Id { get; }

    public string PeerId { get; private set; } = "";

    /// <summary>Frames said so far.</summary>
    public int Frames => _voice.Frames;

    /// <summary>What happened to the signalling: events other than speakers, ends of connections, refusals.</summary>
    public string[] Log => [.. _log];

    /// <summary>Times that its participant was taken over, and that it had to join anew.</summary>
    public int Resumptions { get; private set; }

    public int FreshJoins { get; private set; }

    /// <summary>What it heard of a speaker.</summary>
    public Hearing Of(Talker speaker) => _hearings.GetOrAdd(speaker.Id, static _ => new Hearing());

    /// <summary>Joins and begins to talk.</summary>
    public async Task StartAsync()
    {
        await _media.AddAsync(_voice);
        _running = RunAsync();
        await _inRoom.Task.WaitAsync(Deadline);
    }

    /// <summary>Asks its room something until the room itself answers.</summary>
    public Task RoomAnswersAsync() => RoomProbe.AnswersAsync(_socket!, _room);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_socket is not null)
        {
            await _socket.DisposeAsync();
        }

        await _running;
        await _media.RemoveAsync(_voice);
        foreach (var link in (MediaLink?[])[_send, _receive])
        {
            if (link is not null)
            {
                await _media.RemoveAsync(link);
            }
        }

        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await SocketIoClient.ConnectAsync(_frontend(), "/voice");
                _socket = socket;
                await JoinAsync(socket);
                _inRoom.TrySetResult();
                await foreach (var happened in socket.Events.ReadAllAsync(_stop.Token))
                {
                    await TakeAsync(socket, happened[0].GetString()!, happened);
                }

                Note("the connection ended");
            }
            catch (Exception e) when (e is IOException or WebSocketException or InvalidOperationException or TimeoutException or HttpRequestException or OperationCanceledException)
            {
                Note($"{e.GetType().Name}: {e.Message}");
            }

            if (!_stop.IsCancellationRequested)
            {
                await Task.Delay(RetryAfter);
            }
        }
    }

    private async Task JoinAsync(SocketIoClient socket)
    {
        var token = _resumeToken is null ? "" : $$""","resumeToken":"{{_resumeToken}}" """;
        var joined = await AskAsync(socket, "join-room", $$"""{"roomId":"{{_room}}","userId":"talker-{{Id}}"{{token}}}""");
        _capabilities = joined.GetProperty("rtpCapabilities").GetRawText();
        _resumeToken = joined.GetProperty("resumeToken").GetString();
        PeerId = joined.GetProperty("peerId").GetString()!;
        _producers.Clear();
        foreach (var producer in joined.GetProperty("producers").EnumerateArray())
        {
            _producers.Add(producer.GetProperty("producerId").GetString()!);
        }

        var resumed = joined.GetProperty("resumed").GetBoolean();
        Resumptions += resumed ? 1 : 0;
        FreshJoins += resumed ? 0 : 1;
        string[] mine = joined.TryGetProperty("transports", out var transports) ? [.. transports.EnumerateArray().Select(t => t.GetString()!)] : [];
        if (resumed && _send is not null && _receive is not null && mine.Contains(_send.Id) && mine.Contains(_receive.Id))
        {
            await ConsumeAsync(socket);
        }
        else
        {
            await MakeMediaAsync(socket);
        }
    }

    private async Task TakeAsync(SocketIoClient socket, string name, JsonElement happened)
    {
        switch (name)
        {
            case "active-speakers":
                return;
            case "new-producer":
                _producers.Add(happened[1].GetProperty("producerId").GetString()!);
                await ConsumeAsync(socket);
                return;
            case "producer-closed":
                _producers.Remove(happened[1].GetProperty("producerId").GetString()!);
                return;
            case "media-moved":
                Note(name);
                _producers.Clear();
                await MakeMediaAsync(socket);
                return;
            default:
                Note(happened.GetRawText());
                return;
        }
    }

    /// <summary>New transports, until they stand: the media may move again while they are made.</summary>
    private async Task MakeMediaAsync(SocketIoClient socket)
    {
        var deadline = MediaThread.Now + (long)Deadline.TotalMicroseconds;
        while (true)
        {
            try
            {
                await TryMakeMediaAsync(socket);
                return;
            }
            catch (InvalidOperationException e) when (MediaThread.Now < deadline)
            {
                Note(e.Message);
                await Task.Delay(RetryAfter, _stop.Token);
            }
        }
    }

    /// <summary>New transports; the old ones end a little later.</summary>
    private async Task TryMakeMediaAsync(SocketIoClient socket)
    {
        MediaLink?[] old = [_send, _receive];
        _consumed.Clear();
        _receive = await LinkAsync(socket, payload =>
        {
            var (speaker, frame) = Voice.Read(payload.Span);
            if (frame >= 0)
            {
                _hearings.GetOrAdd(speaker, static _ => new Hearing()).Hear(frame);
            }
        });
        await ConsumeAsync(socket);
        _send = await LinkAsync(socket, null);
        var ssrc = (uint)Interlocked.Increment(ref _lastSsrc);
        await AskAsync(socket, "produce", $$$"""
            {"roomId":"{{{_room}}}","transportId":"{{{_send.Id}}}","kind":"audio","rtpParameters":{"mid":"0",
            "codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2,"parameters":{"minptime":10,"useinbandfec":1},"rtcpFeedback":[]}],
            "headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":7,"encrypt":false,"parameters":{}}],
            "encodings":[{"ssrc":{{{ssrc}}}}],"rtcp":{"cname":"talker","reducedSize":true} } }
            """);
        await _media.InvokeAsync(() => _voice.Begin(_send, ssrc));
        _ = EndAsync(old);
    }

    private async Task EndAsync(MediaLink?[] links)
    {
        if (links.Any(l => l is not null))
        {
            await Task.Delay(Overlap);
        }

        foreach (var link in links)
        {
            if (link is not null)
            {
                await _media.InvokeAsync(() => _voice.End(link));
                await _media.RemoveAsync(link);
            }
        }
    }

    private async Task ConsumeAsync(SocketIoClient socket)
    {
        foreach (var producer in _producers.Where(p => !_consumed.Contains(p)).ToArray())
        {
            try
            {
                await AskAsync(socket, "consume", $$"""{"roomId":"{{_room}}","transportId":"{{_receive!.Id}}","producerId":"{{producer}}","rtpCapabilities":{{_capabilities}}}""");
                _consumed.Add(producer);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("NOT_FOUND", StringComparison.Ordinal))
            {
                // It ended meanwhile; its successor is announced.
                Note(e.Message);
            }
        }
    }

    private async Task<MediaLink> LinkAsync(SocketIoClient socket, Action<ReadOnlyMemory<byte>>? onPayload)
    {
        var description = await AskAsync(socket, "create-transport", $$"""{"roomId":"{{_room}}"}""");
        var id = description.GetProperty("id").GetString()!;
        var link = new MediaLink(_certificate, id, description.GetRawText(), onPayload);
        await _media.AddAsync(link);
        await AskAsync(socket, "connect-transport", $$"""{"roomId":"{{_room}}","transportId":"{{id}}","dtlsParameters":{{link.DtlsParametersJson}}}""");
        await link.Connected.WaitAsync(Deadline);
        return link;
    }

    /// <summary>Asks; what cannot be done now is asked again.</summary>
    private async Task<JsonElement> AskAsync(SocketIoClient socket, string name, string argument)
    {
        var deadline = MediaThread.Now + (long)Deadline.TotalMicroseconds;
        while (true)
        {
            try
            {
                return await socket.AskAsync(name, argument);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("\"UNAVAILABLE\"", StringComparison.Ordinal) && MediaThread.Now < deadline)
            {
                Note(e.Message);
                await Task.Delay(RetryAfter, _stop.Token);
            }
        }
    }

    private void Note(string what) => _log.Enqueue($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {what}");
}
