using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Grains.Peers;

namespace VoiceCluster.Grains.Tests.Peers;

public sealed class PeerTracksTests
{
    private readonly PeerTracks _tracks = new();

    [Fact]
    public void Match_NewProducers_GetSectionsOfTheirOwn()
    {
        _tracks.Match([Audio("a"), Video("v")], out var hasChanged);
        Assert.True(hasChanged);
        Assert.True(_tracks.NeedsOffer);
        Assert.Equal([("t0", "a"), ("t1", "v")], _tracks.Sections.Select(s => (s.Mid, s.ProducerId)));
        _tracks.Match([Audio("a"), Video("v")], out hasChanged);
        Assert.False(hasChanged);
    }

    [Fact]
    public void Match_ProducerThatIsGone_FreesItsSectionForTheNextOfItsKind()
    {
        Agree(Audio("a"), Video("v"));
        Assert.Equal(["c-t0"], _tracks.Match([Video("v")], out _));
        Assert.True(_tracks.NeedsOffer);
        _tracks.Match([Video("v"), Video("w"), Audio("b")], out _);
        Assert.Equal([("t0", "b"), ("t1", "v"), ("t2", "w")], _tracks.Sections.Select(s => (s.Mid, s.ProducerId)));
    }

    [Fact]
    public void Refuse_AKind_RemovesWhatTheClientWasNeverTold()
    {
        _tracks.Match([Audio("a"), Video("v")], out _);
        _tracks.Refuse(MediaKind.Video);
        _tracks.Match([Audio("a"), Video("v"), Audio("b")], out _);
        Assert.Equal([("t0", "a"), ("t2", "b")], _tracks.Sections.Select(s => (s.Mid, s.ProducerId)));
    }

    [Fact]
    public void Skip_AProducer_IsNotOfferedAgain()
    {
        _tracks.Match([Video("h264")], out _);
        _tracks.Skip("t0");
        _tracks.Match([Video("h264")], out var hasChanged);
        Assert.False(hasChanged);
        Assert.False(_tracks.NeedsOffer);
    }

    [Fact]
    public void Agree_ToASectionThatHasChangedSince_OffersItAgain()
    {
        Agree(Audio("a"));
        _tracks.Match([Audio("b")], out _);
        Assert.Empty(_tracks.Agree([new PeerTrackAnswer("t0", null, false)]));
        Assert.True(_tracks.NeedsOffer);
        _tracks.Open("t0", "c2", "{}");
        Assert.Equal(["c2"], _tracks.Agree([new PeerTrackAnswer("t0", "b", true)]).Select(s => s.ConsumerId));
        Assert.False(_tracks.NeedsOffer);
    }

    [Fact]
    public void Agree_ToASectionThatHadNoFormatYet_LeavesItToBeOffered()
    {
        _tracks.Match([Audio("a")], out _);
        _tracks.Open("t0", "c0", "{}");

        // It comes while the first offer is made, which has its section already.
        _tracks.Match([Audio("a"), Video("v")], out _);
        Assert.Single(_tracks.Agree([new PeerTrackAnswer("t0", "a", true), new PeerTrackAnswer("t1", "v", false, WasFormed: false)]));
        Assert.Equal((true, false), (_tracks.NeedsOffer, _tracks.HasNews));

        _tracks.Open("t1", "c1", "{}");
        Assert.Equal((true, true), (_tracks.NeedsOffer, _tracks.HasNews));
        Assert.Equal(["c0", "c1"], _tracks.Agree([new PeerTrackAnswer("t0", "a", true), new PeerTrackAnswer("t1", "v", true)]).Select(s => s.ConsumerId));
        Assert.False(_tracks.NeedsOffer);
    }

    [Fact]
    public void Match_MoreThanThereAreSections_LeavesTheRest()
    {
        _tracks.Match([.. Enumerable.Range(0, PeerTracks.MaxSections + 10).Select(i => Audio($"{i}"))], out _);
        Assert.Equal(PeerTracks.MaxSections, _tracks.Sections.Count);
    }

    private static ProducerInfo Audio(string id) => new(id, $"p-{id}", MediaKind.Audio, false);

    private static ProducerInfo Video(string id) => new(id, $"p-{id}", MediaKind.Video, false);

    private void Agree(params ProducerInfo[] producers)
    {
        _tracks.Match(producers, out _);
        foreach (var section in _tracks.Sections.ToArray())
        {
            _tracks.Open(section.Mid, $"c-{section.Mid}", "{}");
        }

        _tracks.Agree([.. _tracks.Sections.Select(s => new PeerTrackAnswer(s.Mid, s.ProducerId, true))]);
        Assert.False(_tracks.NeedsOffer);
    }
}
