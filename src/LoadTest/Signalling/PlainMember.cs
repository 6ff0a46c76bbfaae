using System.Diagnostics;
using System.Net;
using System.Text.Json;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Srtp;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>Plain transports of one sender or receiver, in a router of the media node or in a room.</summary>
internal sealed class PlainMember(BenchContext context, AdminClient admin, MediaLoop loop, string router) : IMember
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(50);

    private readonly List<(PlainLink Link, string Transport)> _links = [];
    private readonly List<(PlainLink Link, PacketSource Source)> _sources = [];
    private readonly HashSet<string> _known = [];

    /// <summary>Makes the sending transport with its streams, which do not flow yet.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        var (link, transport) = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        if (context.Options.Audio)
        {
            var ssrc = StreamParameters.NextSsrc();
            await ProduceAsync(transport, "audio", StreamParameters.Audio(ssrc), cancellationToken).ConfigureAwait(false);
            _sources.Add((link, PacketSource.Audio(ssrc, context.Options)));
        }

        if (context.Options.Video)
        {
            var ssrc = StreamParameters.NextSsrc();
            await ProduceAsync(transport, "video", StreamParameters.Video(ssrc), cancellationToken).ConfigureAwait(false);
            _sources.Add((link, PacketSource.Video(ssrc, context.Options)));
        }
    }

    /// <inheritdoc/>
    public async Task StartMediaAsync(long due)
    {
        foreach (var (link, source) in _sources)
        {
            await loop.StartAsync(link, source, due).ConfigureAwait(false);
        }

        _sources.Clear();
    }

    /// <summary>Makes the receiving transport and consumes so many streams of others, waiting for those that are not there yet.</summary>
    public async Task SubscribeAsync(int streams, CancellationToken cancellationToken)
    {
        var (link, transport) = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        for (var consumers = 0; consumers < streams;)
        {
            foreach (var producer in await admin.ProducersAsync(router, deadline.Token).ConfigureAwait(false))
            {
                if (consumers < streams && _known.Add(producer))
                {
                    await ConsumeAsync(link, transport, producer, deadline.Token).ConfigureAwait(false);
                    consumers++;
                }
            }

            if (consumers < streams)
            {
                await Task.Delay(PollPeriod, deadline.Token).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var (link, transport) in _links)
        {
            await loop.RemoveAsync(link).ConfigureAwait(false);
            await admin.CloseTransportAsync(transport, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task ProduceAsync(string transport, string kind, string parameters, CancellationToken cancellationToken)
    {
        var producer = await admin.OnTransportAsync(transport, "producers", $$"""{"kind":"{{kind}}","rtpParameters":{{parameters}}}""", cancellationToken).ConfigureAwait(false);
        _known.Add(producer.GetProperty("id").GetString()!);
    }

    private async Task ConsumeAsync(PlainLink link, string transport, string producer, CancellationToken cancellationToken)
    {
        var consumer = await admin.OnTransportAsync(transport, "consumers", $$"""{"producerId":"{{producer}}"}""", cancellationToken).ConfigureAwait(false);
        if (consumer.GetProperty("kind").GetString() == "video")
        {
            var parameters = consumer.GetProperty("rtpParameters");
            await link.SetClockAsync(
                parameters.GetProperty("encodings")[0].GetProperty("ssrc").GetUInt32(),
                parameters.GetProperty("codecs")[0].GetProperty("clockRate").GetInt32()).ConfigureAwait(false);
        }
    }

    private async Task<(PlainLink Link, string Id)> ConnectAsync(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var suite = context.Options.PlainSuite;
        var described = await admin.CreateTransportAsync(router, suite, cancellationToken).ConfigureAwait(false);
        var id = described.GetProperty("id").GetString()!;
        var tuple = described.GetProperty("tuple");
        var server = TransportAddress.From(new IPEndPoint(IPAddress.Parse(tuple.GetProperty("localIp").GetString()!), tuple.GetProperty("localPort").GetInt32()));
        var own = suite is null ? null : SrtpParameters.Create(suite);
        var link = new PlainLink(loop, server, own, described.TryGetProperty("srtpParameters", out var theirs) ? Read(theirs) : null);
        _links.Add((link, id));
        var local = link.Local.ToIPEndPoint();
        var key = own is null ? "" : $$""","srtpParameters":{"cryptoSuite":"{{own.CryptoSuite}}","keyBase64":"{{own.KeyBase64}}"}""";
        await admin.OnTransportAsync(id, "connect", $$"""{"ip":"{{local.Address}}","port":{{local.Port}}{{key}}}""", cancellationToken).ConfigureAwait(false);
        await loop.AddAsync(link).ConfigureAwait(false);
        context.Joins.TransportConnected(watch.Elapsed);
        return (link, id);
    }

    private static SrtpParameters Read(JsonElement json) => new(json.GetProperty("cryptoSuite").GetString()!, json.GetProperty("keyBase64").GetString()!);
}
