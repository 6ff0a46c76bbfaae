using Orleans.Concurrency;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Abstractions.Peers;

/// <summary>
/// One peer: a client that came with an SDP offer, keyed by a UUID made of its user and its own name. It is the participant in
/// the room, so that neither the offer nor the WebSocket that may stand beside it must stay with one frontend. It leaves when
/// its media is gone.
/// </summary>
[Alias("vc.IPeerGrain")]
public interface IPeerGrain : IGrainWithGuidKey
{
    /// <summary>
    /// Joins the room, leaving another one, and makes the media as the offer asks for it. The same offer again changes nothing
    /// and is answered as before.
    /// </summary>
    /// <param name="sdp">The offer's text, of which the server makes offers of its own.</param>
    Task<Outcome<PeerNegotiation>> OfferAsync(PeerInfo peer, MediaOffered offer, string sdp);

    /// <summary>The peer; NotFound while it is in no room.</summary>
    Task<Outcome<PeerInfo>> GetAsync();

    /// <summary>Leaves the room. Leaving none is no error.</summary>
    Task<Outcome<Done>> LeaveAsync();

    /// <summary>
    /// A connection listens, and says so again every <see cref="PeerLease.RenewEvery"/>. There is one: an older one is told that
    /// it is replaced. From now on new tracks wait for its offers.
    /// </summary>
    Task ConnectAsync(Guid connectionId, IPeerObserver observer);

    /// <summary>A connection listens no more. The peer hears the mix again.</summary>
    Task DisconnectAsync(Guid connectionId);

    /// <summary>What the server should offer. The formats are of tracks without one; with them they get their streams.</summary>
    Task<Outcome<PeerNegotiation>> PrepareAsync(PeerTrackFormat[] formats);

    /// <summary>The client has answered an offer; what it takes flows from now on. Conflict when it has offered anew since.</summary>
    Task<Outcome<Done>> AnsweredAsync(long version, PeerTrackAnswer[] answers);
}

/// <summary>What is pushed to a peer's connection, in order.</summary>
[Alias("vc.IPeerObserver")]
public interface IPeerObserver : IGrainObserver
{
    /// <summary>Notices in their order.</summary>
    [OneWay]
    Task OnNoticesAsync(PeerNotice[] notices);
}

/// <summary>How long a connection counts when its door is silent.</summary>
public static class PeerLease
{
    /// <summary>Doors renew this often.</summary>
    public static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(10);

    /// <summary>A connection that was not renewed for so long is gone.</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromSeconds(25);
}
