using VoiceCluster.Abstractions.Peers;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Peers;

/// <summary>
/// The rules of the sections that the server offers to a peer, without any runtime: which producer has which section. A section
/// never goes (RFC 8829 §5.2.2); one whose producer has ended is free for the next of its kind.
/// </summary>
[GenerateSerializer, Alias("vc.PeerTracks")]
public sealed class PeerTracks
{
    /// <summary>Sections of one peer. Who sends in a larger room than that is not heard and seen by it as tracks.</summary>
    public const int MaxSections = 64;

    /// <summary>In the order in which they were first offered.</summary>
    [Id(0)]
    public List<PeerSection> Sections { get; set; } = [];

    /// <summary>Kinds that the client takes none of.</summary>
    [Id(1)]
    public HashSet<MediaKind> Refused { get; set; } = [];

    /// <summary>Counts the sections that were ever made on this transport.</summary>
    [Id(2)]
    public int Made { get; set; }

    /// <summary>Producers that the client cannot receive, for instance because of their codec.</summary>
    [Id(4)]
    public HashSet<string> Skipped { get; set; } = [];

    /// <summary>Whether the client has answered an offer of the server: then it hears its tracks, and the mix is held back.</summary>
    [Id(3)]
    public bool HasAnswered { get; set; }

    /// <summary>Whether the client does not know yet how the sections should be.</summary>
    public bool NeedsOffer => Sections.Exists(s => !s.IsAgreed);

    /// <summary>Whether an offer would tell it something new now. What has no format yet cannot be offered.</summary>
    public bool HasNews => Sections.Exists(s => s is { IsAgreed: false } and ({ ProducerId: null } or { SentJson: not null }));

    /// <summary>
    /// Gives producers that have none a section, and frees those of producers that are gone. Answers the consumers to close;
    /// those of producers that are gone are gone with them.
    /// </summary>
    public string[] Match(IReadOnlyCollection<ProducerInfo> wanted, out bool hasChanged)
    {
        List<string> closed = [];
        hasChanged = false;
        for (var i = 0; i < Sections.Count; i++)
        {
            var section = Sections[i];
            if (section.ProducerId is not null && wanted.All(p => p.ProducerId != section.ProducerId))
            {
                hasChanged = true;
                if (section.ConsumerId is { } consumer)
                {
                    closed.Add(consumer);
                }

                Sections[i] = Freed(section);
            }
        }

        foreach (var producer in wanted.Where(
            p => !Refused.Contains(p.Kind) && !Skipped.Contains(p.ProducerId) && Sections.All(s => s.ProducerId != p.ProducerId)))
        {
            var free = Sections.FindIndex(s => s.ProducerId is null && s.Kind == producer.Kind);
            if (free < 0 && Sections.Count >= MaxSections)
            {
                continue;
            }

            // A mid of the client's own is a number in all browsers, and never begins with a t.
            var mid = free < 0 ? $"t{Made++}" : Sections[free].Mid;
            PeerSection section = new(
                mid, producer.Kind, producer.ProducerId, producer.ParticipantId, null, null, false, false, free >= 0 && Sections[free].IsKnown);
            hasChanged = true;
            if (free < 0)
            {
                Sections.Add(section);
            }
            else
            {
                Sections[free] = section;
            }
        }

        return [.. closed];
    }

    /// <summary>A section got its stream.</summary>
    public void Open(string mid, string consumerId, string sentJson)
    {
        var i = Sections.FindIndex(s => s.Mid == mid);
        Sections[i] = Sections[i] with { ConsumerId = consumerId, SentJson = sentJson, IsAgreed = false };
    }

    /// <summary>The client takes nothing of a kind: its sections, which it was never told of, go.</summary>
    public void Refuse(MediaKind kind)
    {
        Refused.Add(kind);
        Sections.RemoveAll(s => s.Kind == kind && !s.IsKnown);
    }

    /// <summary>The client cannot receive what a section should carry.</summary>
    public void Skip(string mid)
    {
        var i = Sections.FindIndex(s => s.Mid == mid);
        Skipped.Add(Sections[i].ProducerId!);
        if (Sections[i].IsKnown)
        {
            Sections[i] = Freed(Sections[i]) with { IsAgreed = true };
        }
        else
        {
            Sections.RemoveAt(i);
        }
    }

    /// <summary>
    /// The client has answered sections as they were offered; one that has changed since is offered again. Answers those whose
    /// streams flow from now on.
    /// </summary>
    public PeerSection[] Agree(IReadOnlyCollection<PeerTrackAnswer> answers)
    {
        HasAnswered = true;
        foreach (var answer in answers)
        {
            var i = Sections.FindIndex(s => s.Mid == answer.Mid && s.ProducerId == answer.ProducerId);
            if (i >= 0 && answer.WasFormed)
            {
                Sections[i] = Sections[i] with { IsAgreed = true, IsTaken = answer.IsAccepted && Sections[i].ConsumerId is not null };
            }

            if (Sections.FindIndex(s => s.Mid == answer.Mid) is >= 0 and var known)
            {
                Sections[known] = Sections[known] with { IsKnown = true };
            }
        }

        return [.. Sections.Where(s => s.IsTaken)];
    }

    /// <summary>The transport is gone with all sections.</summary>
    public void Clear()
    {
        Sections.Clear();
        Refused.Clear();
        Skipped.Clear();
        HasAnswered = false;
        Made = 0;
    }

    private static PeerSection Freed(PeerSection section) =>
        section with { ProducerId = null, ParticipantId = null, ConsumerId = null, SentJson = null, IsAgreed = false, IsTaken = false };
}
