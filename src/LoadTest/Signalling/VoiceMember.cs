using System.Diagnostics;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.Media.Ice;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>A member of a channel through the voice service: one transport for what it sends and for its slots, as a browser has.</summary>
internal sealed class VoiceMember : IMember
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static int _lastSsrc = 5_000_000;

    private readonly BenchContext _context;
    private readonly MediaLoop _loop;
    private readonly VoiceClient _client;
    private readonly string _session;
    private WebRtcLink? _link;
    private PacketSource? _source;

    private VoiceMember(BenchContext context, MediaLoop loop, VoiceClient client, string session) =>
        (_context, _loop, _client, _session) = (context, loop, client, session);

    /// <summary>Joins a channel and opens its session.</summary>
    public static async Task<VoiceMember> JoinAsync(BenchContext context, MediaLoop loop, string channel, string user, CancellationToken cancellationToken)
    {
        var client = await VoiceClient.OpenAsync(context.Http, context.Options, user, cancellationToken).ConfigureAwait(false);
        return new VoiceMember(context, loop, client, await client.JoinAsync(channel, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Offers a stream of sound, if it sends, and so many slots, and connects.</summary>
    public async Task ConnectAsync(bool sends, int slots, CancellationToken cancellationToken)
    {
        uint? ssrc = sends ? (uint)Interlocked.Increment(ref _lastSsrc) : null;
        var ice = IceCredentials.Create();
        var offer = VoiceSdp.Offer(ice, _context.Certificate.Certificate.Fingerprints[^1], ssrc, slots);
        var answer = await _client.OfferAsync(_session, offer, cancellationToken).ConfigureAwait(false);
        _link = new WebRtcLink(_loop, _context.Certificate, VoiceSdp.Remote(answer), ice);
        var watch = Stopwatch.StartNew();
        await _loop.AddAsync(_link).ConfigureAwait(false);
        await _link.Connected.WaitAsync(Deadline, cancellationToken).ConfigureAwait(false);
        _context.Joins.TransportConnected(watch.Elapsed);
        _source = ssrc is { } number ? PacketSource.Audio(number, _context.Options) : null;
    }

    /// <inheritdoc/>
    public async Task StartMediaAsync(long due)
    {
        if (_link is not null && _source is not null)
        {
            await _loop.StartAsync(_link, _source, due).ConfigureAwait(false);
            _source = null;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_link is not null)
        {
            await _loop.RemoveAsync(_link).ConfigureAwait(false);
        }

        await _client.LeaveAsync(_session, CancellationToken.None).ConfigureAwait(false);
    }
}
