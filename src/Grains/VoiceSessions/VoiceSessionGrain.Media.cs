using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>Carries out what <see cref="VoiceMediaPlan"/> makes of an offer, in the room.</summary>
public sealed partial class VoiceSessionGrain
{
    /// <summary>Sections of an offer; each may cost a producer and a consumer.</summary>
    private const int MaxSections = 32;

    /// <inheritdoc/>
    public async Task<Outcome<MediaAnswered>> NegotiateAsync(Guid userId, MediaOffered offer)
    {
        if (CheckOwner(userId) is { } fault)
        {
            return fault;
        }

        if (offer.Sections.Length > MaxSections)
        {
            return new Fault(FaultCode.Invalid, $"An offer has {MaxSections} audio sections at most.");
        }

        _unsaved = true;
        var failed = await PrepareTransportAsync(offer) ?? await ApplyAsync(offer);
        if (failed is { Code: FaultCode.NotFound } && store.State.Media.TransportId is { } gone
            && await Room.CloseTransportAsync(ParticipantId, gone) is { Fault.Code: FaultCode.NotFound })
        {
            // The node had closed the transport, for instance because the client closed its connection: once more, with a new one.
            ForgetTransport();
            failed = await PrepareTransportAsync(offer) ?? await ApplyAsync(offer);
        }

        var media = store.State.Media;
        media.Version++;
        await SaveAsync();
        if (failed is not null)
        {
            return failed;
        }

        return new MediaAnswered(
            media.TransportJson,
            media.IceParametersJson,
            media.Version,
            [.. media.Sections.Select(s => new AnsweredSection(s.Mid, s.ProducerId is not null, s.Source, s.SentJson))]);
    }

    private void ForgetTransport() => store.State.Media = new VoiceMedia { Version = store.State.Media.Version };

    private async Task<Fault?> PrepareTransportAsync(MediaOffered offer)
    {
        var step = VoiceMediaPlan.Transport(store.State.Media, offer);
        if (step == TransportStep.Replace)
        {
            if (store.State.Media.TransportId is { } old)
            {
                // What it carried goes with it. One that is gone already is no loss.
                await Room.CloseTransportAsync(ParticipantId, old);
            }

            ForgetTransport();
            var created = await Room.CreateTransportAsync(ParticipantId);
            if (created.Fault is { } refused)
            {
                return refused;
            }

            store.State.Media.TransportId = created.Value!.TransportId;
            store.State.Media.TransportJson = created.Value.DescriptionJson;
        }

        var media = store.State.Media;
        if (step == TransportStep.RestartIce)
        {
            var restarted = await Room.RestartIceAsync(ParticipantId, media.TransportId!);
            if (restarted.Fault is { } refused)
            {
                return refused;
            }

            media.IceParametersJson = restarted.Value;
        }
        else if (step != TransportStep.Keep)
        {
            var connected = await Room.ConnectTransportAsync(ParticipantId, media.TransportId!, offer.DtlsParametersJson);
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

    /// <summary>Steps: 1. close what is gone; 2. produce; 3. receive. What was done before a failure stays noted.</summary>
    private async Task<Fault?> ApplyAsync(MediaOffered offer)
    {
        var media = store.State.Media;
        var target = VoiceMediaPlan.Target(media.Sections, offer.Sections);

        // :: Step 1
        var (producers, consumers) = VoiceMediaPlan.Gone(media.Sections, target);
        foreach (var id in producers)
        {
            await Room.CloseProducerAsync(ParticipantId, id);
        }

        foreach (var id in consumers)
        {
            await Room.CloseConsumerAsync(ParticipantId, id);
        }

        media.Sections = target;

        // :: Step 2
        for (var i = 0; i < target.Count; i++)
        {
            if (target[i] is { SendJson: { } send, ProducerId: null })
            {
                var produced = await Room.ProduceAsync(ParticipantId, new ProduceRequest(media.TransportId!, MediaKind.Audio, send));
                if (produced.Fault is { } refused)
                {
                    return refused;
                }

                target[i] = target[i] with { ProducerId = produced.Value };
            }
        }

        // :: Step 3
        return await ReceiveMixAsync(media, target) ?? await ReceiveLoudestAsync(media, target);
    }

    private async Task<Fault?> ReceiveMixAsync(VoiceMedia media, List<VoiceSection> target)
    {
        var i = target.FindIndex(s => s is { Source: ConsumerSource.Mix, ConsumerId: null });
        if (i < 0)
        {
            return null;
        }

        var mix = await Room.ConsumeMixAsync(ParticipantId, new ConsumeMixRequest(media.TransportId!, target[i].ReceiveJson!));
        if (mix.Fault is { } refused)
        {
            return refused;
        }

        target[i] = target[i] with { ConsumerId = mix.Value!.ConsumerId, SentJson = mix.Value.RtpParametersJson };
        return null;
    }

    private async Task<Fault?> ReceiveLoudestAsync(VoiceMedia media, List<VoiceSection> target)
    {
        int[] slots = [.. Enumerable.Range(0, target.Count).Where(i => target[i] is { Source: ConsumerSource.Loudest, ConsumerId: null })];
        if (slots.Length == 0)
        {
            return null;
        }

        var loudest = await Room.ConsumeLoudestAsync(
            ParticipantId, new ConsumeLoudestRequest(media.TransportId!, [.. slots.Select(i => target[i].ReceiveJson!)]));
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
