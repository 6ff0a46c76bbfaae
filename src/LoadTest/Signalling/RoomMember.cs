using System.Diagnostics;
using System.Text.Json;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>What a run has in common for all its members.</summary>
internal sealed record BenchContext(BenchOptions Options, DtlsContext Certificate, JoinFigures Joins, HttpClient Http);

/// <summary>A member of a room through the mediasoup door: one transport to send, one to receive, as a browser has.</summary>
internal sealed class RoomMember : IMember
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly BenchContext _context;
    private readonly SocketIoClient _socket;
    private readonly MediaLoop _loop;
    private readonly string _room;
    private readonly string _capabilities;
    private readonly Queue<string> _producers = new();
    private readonly List<WebRtcLink> _links = [];
    private readonly List<(MediaLink Link, PacketSource Source)> _sources = [];

    private RoomMember(BenchContext context, SocketIoClient socket, MediaLoop loop, string room, JsonElement joined)
    {
        _context = context;
        _socket = socket;
        _loop = loop;
        _room = room;
        _capabilities = joined.GetProperty("rtpCapabilities").GetRawText();
        foreach (var producer in joined.GetProperty("producers").EnumerateArray())
        {
            _producers.Enqueue(producer.GetProperty("producerId").GetString()!);
        }
    }

    /// <summary>Streams that it receives.</summary>
    public int Consumers { get; private set; }

    /// <summary>Joins a room. When the server limits requests, it waits as long as it is told.</summary>
    public static async Task<RoomMember> JoinAsync(BenchContext context, MediaLoop loop, string room, string user, CancellationToken cancellationToken)
    {
        var socket = await SocketIoClient.ConnectAsync(context.Options.Url, "/voice", context.Options.Token, onlyEvent: "new-producer").ConfigureAwait(false);
        try
        {
            var joined = await AskAsync(socket, "join-room", $$"""{"roomId":"{{room}}","userId":"{{user}}"}""", cancellationToken).ConfigureAwait(false);
            return new RoomMember(context, socket, loop, room, joined);
        }
        catch
        {
            await socket.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Makes the sending transport with its streams, which do not flow yet.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        var (link, transport) = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        if (_context.Options.Audio)
        {
            var ssrc = StreamParameters.NextSsrc();
            await ProduceAsync(transport, "audio", StreamParameters.Audio(ssrc), cancellationToken).ConfigureAwait(false);
            _sources.Add((link, PacketSource.Audio(ssrc, _context.Options)));
        }

        if (_context.Options.Video)
        {
            var ssrc = StreamParameters.NextSsrc();
            await ProduceAsync(transport, "video", StreamParameters.Video(ssrc), cancellationToken).ConfigureAwait(false);
            _sources.Add((link, PacketSource.Video(ssrc, _context.Options)));
        }
    }

    /// <inheritdoc/>
    public async Task StartMediaAsync(long due)
    {
        foreach (var (link, source) in _sources)
        {
            await _loop.StartAsync(link, source, due).ConfigureAwait(false);
        }

        _sources.Clear();
    }

    /// <summary>Makes the receiving transport and consumes so many streams of the room, waiting for those that are not there yet.</summary>
    public async Task SubscribeAsync(int streams, CancellationToken cancellationToken)
    {
        var (link, transport) = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        while (Consumers < streams)
        {
            if (!_producers.TryDequeue(out var producer))
            {
                var happened = await _socket.Events.ReadAsync(deadline.Token).ConfigureAwait(false);
                producer = happened[1].GetProperty("producerId").GetString()!;
            }

            var consumer = await AskAsync(
                _socket,
                "consume",
                $$"""{"roomId":"{{_room}}","transportId":"{{transport}}","producerId":"{{producer}}","rtpCapabilities":{{_capabilities}}}""",
                deadline.Token).ConfigureAwait(false);
            if (consumer.GetProperty("kind").GetString() == "video")
            {
                var parameters = consumer.GetProperty("rtpParameters");
                await link.SetClockAsync(
                    parameters.GetProperty("encodings")[0].GetProperty("ssrc").GetUInt32(),
                    parameters.GetProperty("codecs")[0].GetProperty("clockRate").GetInt32()).ConfigureAwait(false);
            }

            Consumers++;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var link in _links)
        {
            await _loop.RemoveAsync(link).ConfigureAwait(false);
        }

        await _socket.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<JsonElement> AskAsync(SocketIoClient socket, string name, string argument, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await socket.AskAsync(name, argument).ConfigureAwait(false);
            }
            catch (RateLimitedException e)
            {
                await Task.Delay(e.RetryAfter, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Task<JsonElement> ProduceAsync(string transport, string kind, string parameters, CancellationToken cancellationToken) => AskAsync(
        _socket,
        "produce",
        $$"""{"roomId":"{{_room}}","transportId":"{{transport}}","kind":"{{kind}}","rtpParameters":{{parameters}}}""",
        cancellationToken);

    private async Task<(WebRtcLink Link, string Id)> ConnectAsync(CancellationToken cancellationToken)
    {
        var description = await AskAsync(_socket, "create-transport", $$"""{"roomId":"{{_room}}"}""", cancellationToken).ConfigureAwait(false);
        var id = description.GetProperty("id").GetString()!;
        var link = new WebRtcLink(_loop, _context.Certificate, RemoteTransport.Parse(description.GetRawText()));
        _links.Add(link);
        var watch = Stopwatch.StartNew();
        await _loop.AddAsync(link).ConfigureAwait(false);
        await AskAsync(_socket, "connect-transport", $$"""{"roomId":"{{_room}}","transportId":"{{id}}","dtlsParameters":{{link.DtlsParametersJson}}}""", cancellationToken)
            .ConfigureAwait(false);
        await link.Connected.WaitAsync(Deadline, cancellationToken).ConfigureAwait(false);
        _context.Joins.TransportConnected(watch.Elapsed);
        return (link, id);
    }
}
