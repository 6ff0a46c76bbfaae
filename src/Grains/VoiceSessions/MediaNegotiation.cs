using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>Carries out what <see cref="VoiceMediaPlan"/> makes of an offer, in the room, and notes in the media what flows.</summary>
internal sealed class MediaNegotiation(IRoomGrain room, string participantId, VoiceMedia media)
{
    /// <summary>Sections of an offer; each may cost a producer and a consumer.</summary>
    public const int MaxSections = 32;

    /// <summary>Whether an offer is answered without the mix where the media node has no Opus library, instead of being refused.</summary>
    public bool MixIsOptional { get; init; }

    /// <summary>Negotiates. What was done before a failure stays noted.</summary>
    public async Task<Fault?> RunAsync(MediaOffered offer)
    {
        if (offer.Sections.Length > MaxSections)
        {
            return new Fault(FaultCode.Invalid, $"An offer has {MaxSections} media sections at most.");
        }

        var failed = await PrepareTransportAsync(offer) ?? await ApplyAsync(offer);
        if (failed is { Code: FaultCode.NotFound } && media.TransportId is { } gone
            && await room.CloseTransportAsync(participantId, gone) is { Fault.Code: FaultCode.NotFound })
        {
            // The node had closed the transport, for instance because the client closed its connection: once more, with a new one.
            media.Forget();
            failed = await PrepareTransportAsync(offer) ?? await ApplyAsync(offer);
        }

        media.Version++;
        return failed;
    }

    /// <summary>What was made of the offer.</summary>
    public static MediaAnswered Answer(VoiceMedia media) => new(
        media.TransportJson,
        media.IceParametersJson,
        media.Version,
        [.. media.Sections.Select(s => new AnsweredSection(s.Mid, s.ProducerId is not null, s.Source, s.SentJson))]);

    private async Task<Fault?> PrepareTransportAsync(MediaOffered offer)
    {
        var step = VoiceMediaPlan.Transport(media, offer);
        if (step == TransportStep.Replace)
        {
            if (media.TransportId is { } old)
            {
                // What it carried goes with it. One that is gone already is no loss.
                await room.CloseTransportAsync(participantId, old);
            }

            media.Forget();
            var created = await room.CreateTransportAsync(participantId);
            if (created.Fault is { } refused)
            {
                return refused;
            }

            media.TransportId = created.Value!.TransportId;
            media.TransportJson = created.Value.DescriptionJson;
        }

        if (step == TransportStep.RestartIce)
        {
            var restarted = await room.RestartIceAsync(participantId, media.TransportId!);
            if (restarted.Fault is { } refused)
            {
                return refused;
            }

            media.IceParametersJson = restarted.Value;
        }
        else if (step != TransportStep.Keep)
        {
            var connected = await room.ConnectTransportAsync(participantId, media.TransportId!, offer.DtlsParametersJson);
            if (connected.Fault is { } refused)
            {
                return refused;
            }

            media.IsConnected = true;
            media.DtlsParametersJson = offer.DtlsParametersJson;
        }

        media.Description = offer.Description;
        media.IceUsernameFragment = offer.IceUsernameFragment;
        return null;
    }

    /// <summary>Steps: 1. close what is gone; 2. produce; 3. receive.</summary>
    private async Task<Fault?> ApplyAsync(MediaOffered offer)
    {
        var target = VoiceMediaPlan.Target(media.Sections, offer.Sections);

        // :: Step 1
        var (producers, consumers) = VoiceMediaPlan.Gone(media.Sections, target);
        foreach (var id in producers)
        {
            await room.CloseProducerAsync(participantId, id);
        }

        foreach (var id in consumers)
        {
            await room.CloseConsumerAsync(participantId, id);
        }

        media.Sections = target;

        // :: Step 2
        for (var i = 0; i < target.Count; i++)
        {
            if (target[i] is { SendJson: { } send, ProducerId: null })
            {
                var produced = await room.ProduceAsync(participantId, new ProduceRequest(media.TransportId!, target[i].Kind, send));
                if (produced.Fault is { } refused)
                {
                    return refused;
                }

                target[i] = target[i] with { ProducerId = produced.Value };
            }
        }

        // :: Step 3
        return await ReceiveMixAsync(target) ?? await ReceiveLoudestAsync(target);
    }

    private async Task<Fault?> ReceiveMixAsync(List<VoiceSection> target)
    {
        var i = target.FindIndex(s => s is { Source: ConsumerSource.Mix, ConsumerId: null });
        if (i < 0)
        {
            return null;
        }

        var mix = await room.ConsumeMixAsync(participantId, new ConsumeMixRequest(media.TransportId!, target[i].ReceiveJson!));
        if (mix.Fault is { } refused)
        {
            return MixIsOptional && refused.Code == FaultCode.Unsupported ? null : refused;
        }

        target[i] = target[i] with { ConsumerId = mix.Value!.ConsumerId, SentJson = mix.Value.RtpParametersJson };
        return null;
    }

    private async Task<Fault?> ReceiveLoudestAsync(List<VoiceSection> target)
    {
        int[] slots = [.. Enumerable.Range(0, target.Count).Where(i => target[i] is { Source: ConsumerSource.Loudest, ConsumerId: null })];
        if (slots.Length == 0)
        {
            return null;
        }

        var loudest = await room.ConsumeLoudestAsync(
            participantId, new ConsumeLoudestRequest(media.TransportId!, [.. slots.Select(i => target[i].ReceiveJson!)]));
        if (loudest.Fault is { } refused)
        {
            return refused;
        }

        foreach (var (i, slot) in slots.Zip(loudest.Value!))
        {
            target[i] = target[i] with { ConsumerId = slot.ConsumerId, SentJson = slot.RtpParametersJson };
        }

        return null;
    }
}
