using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>What an offer means for the transport.</summary>
public enum TransportStep
{
    /// <summary>It stays as it is.</summary>
    Keep,

    /// <summary>It gets the client's DTLS parameters, for the first time.</summary>
    Connect,

    /// <summary>It gets new ICE credentials.</summary>
    RestartIce,

    /// <summary>The client has begun anew: it is closed and another is made.</summary>
    Replace,
}

/// <summary>The rules that turn an offer into changes of the media, without any runtime.</summary>
public static class VoiceMediaPlan
{
    /// <summary>
    /// A client that begins anew has another certificate, or, if it keeps that, another description and other ICE credentials.
    /// Neither alone is enough: aiortc writes another description each time, and an ICE restart changes the credentials.
    /// </summary>
    public static TransportStep Transport(VoiceMedia media, MediaOffered offer)
    {
        if (media.TransportId is null)
        {
            return TransportStep.Replace;
        }

        if (!media.IsConnected)
        {
            return TransportStep.Connect;
        }

        if (media.DtlsParametersJson != offer.DtlsParametersJson)
        {
            return TransportStep.Replace;
        }

        return media.IceUsernameFragment == offer.IceUsernameFragment ? TransportStep.Keep
            : media.Description == offer.Description ? TransportStep.RestartIce
            : TransportStep.Replace;
    }

    /// <summary>
    /// What each receiving section carries. A client with one hears the mix of all others. With more, those that only receive
    /// carry the loudest speakers, one each; where none only receives, all but the first do. Pictures have no mix and no slots.
    /// </summary>
    public static IReadOnlyDictionary<string, ConsumerSource> Sources(IReadOnlyList<OfferedSection> sections)
    {
        var receiving = sections.Where(s => s is { ReceiveJson: not null, Kind: MediaKind.Audio }).ToArray();
        if (receiving.Length == 1)
        {
            return new Dictionary<string, ConsumerSource> { [receiving[0].Mid] = ConsumerSource.Mix };
        }

        var slots = receiving.Where(s => s.SendJson is null).ToArray();
        return (slots.Length > 0 ? slots : receiving.Skip(1)).ToDictionary(s => s.Mid, _ => ConsumerSource.Loudest);
    }

    /// <summary>The sections as they should be: what is the same keeps its producer and its consumer, the rest has none yet.</summary>
    public static List<VoiceSection> Target(IReadOnlyList<VoiceSection> current, IReadOnlyList<OfferedSection> offered)
    {
        var sources = Sources(offered);
        List<VoiceSection> target = [];
        foreach (var section in offered)
        {
            var known = current.FirstOrDefault(s => s.Mid == section.Mid);
            ConsumerSource? source = sources.TryGetValue(section.Mid, out var found) ? found : null;
            var receive = source is null ? null : section.ReceiveJson;
            if (section.SendJson is null && receive is null)
            {
                continue;
            }

            var keepsProducer = known?.ProducerId is not null && known.SendJson == section.SendJson;
            var keepsConsumer = known?.ConsumerId is not null && known.ReceiveJson == receive && known.Source == source;
            target.Add(new VoiceSection(
                section.Mid,
                section.SendJson,
                keepsProducer ? known!.ProducerId : null,
                receive,
                source,
                keepsConsumer ? known!.ConsumerId : null,
                keepsConsumer ? known!.SentJson : null,
                section.Kind));
        }

        return target;
    }

    /// <summary>Producers and consumers that the target has no more.</summary>
    public static (string[] Producers, string[] Consumers) Gone(IReadOnlyList<VoiceSection> current, IReadOnlyList<VoiceSection> target) =>
    (
        [.. current.Where(s => s.ProducerId is not null).Select(s => s.ProducerId!).Except(target.Select(t => t.ProducerId!))],
        [.. current.Where(s => s.ConsumerId is not null).Select(s => s.ConsumerId!).Except(target.Select(t => t.ConsumerId!))]);
}
