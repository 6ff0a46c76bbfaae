using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>What participants receive: producers, slots of the loudest, the mix.</summary>
public sealed partial class RoomGrain
{
    /// <inheritdoc/>
    public async Task<Outcome<ConsumerCreated>> ConsumeAsync(string participantId, ConsumeRequest request)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewConsumer(participantId, request.TransportId, request.ProducerId).Fault) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var producer = _room.CheckNewConsumer(participantId, request.TransportId, request.ProducerId).Value!;
        if (await _media.BringAsync(producer, participantId) is { } away)
        {
            return await FinishAsync(away);
        }

        var consumer = new RoomConsumer(NewId(), participantId, request.TransportId, request.ProducerId, request.Paused);
        var reply = await _media.ExecuteAsync(participantId, new CreateConsumer(
            consumer.Id,
            request.TransportId,
            request.ProducerId,
            request.RtpCapabilitiesJson,
            _room.IsHeldBack(consumer),
            request.NegotiatedRtpParametersJson,
            _room.Find(producer.ParticipantId)?.Info.UserId));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddConsumer(consumer);
        if (_room.LayersOf(consumer) is { } layers)
        {
            await _media.ExecuteAsync(participantId, layers);
        }

        await FinishAsync();
        var opened = (ConsumerOpened)reply.Value!;
        return new ConsumerCreated(consumer.Id, request.ProducerId, opened.Kind, opened.RtpParametersJson, producer.Paused);
    }

    /// <inheritdoc/>
    public async Task<Outcome<ConsumerCreated[]>> ConsumeLoudestAsync(string participantId, ConsumeLoudestRequest request)
    {
        var count = request.RtpParametersJson.Length;
        if (await CheckAsync(participantId, () => _room.CheckNewConsumers(participantId, request.TransportId, ConsumerSource.Loudest, count)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        RoomConsumer[] slots = [.. request.RtpParametersJson.Select(_ => NewConsumer(participantId, request.TransportId, ConsumerSource.Loudest))];
        var reply = await _media.ExecuteAsync(participantId, new CreateSlotConsumers(
            [.. slots.Select(s => s.Id)], request.TransportId, request.RtpParametersJson, _room.IsHeldBack(slots[0])));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        foreach (var slot in slots)
        {
            _room.AddConsumer(slot);
        }

        await _media.BringVoicesAsync(participantId);
        await FinishAsync();
        var opened = ((SlotConsumersOpened)reply.Value!).RtpParametersJson;
        return (ConsumerCreated[])[.. slots.Zip(opened, (slot, parameters) => new ConsumerCreated(slot.Id, "", MediaKind.Audio, parameters, ProducerPaused: false))];
    }

    /// <inheritdoc/>
    public async Task<Outcome<ConsumerCreated>> ConsumeMixAsync(string participantId, ConsumeMixRequest request)
    {
        if (await CheckAsync(participantId, () => _room.CheckNewConsumers(participantId, request.TransportId, ConsumerSource.Mix, 1)) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var mix = NewConsumer(participantId, request.TransportId, ConsumerSource.Mix);
        var reply = await _media.ExecuteAsync(participantId, new CreateMixConsumer(mix.Id, request.TransportId, request.RtpParametersJson, _room.IsHeldBack(mix)));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.AddConsumer(mix);
        await _media.BringVoicesAsync(participantId);
        await FinishAsync();
        return new ConsumerCreated(mix.Id, "", MediaKind.Audio, ((ConsumerOpened)reply.Value!).RtpParametersJson, ProducerPaused: false);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetConsumerPausedAsync(string participantId, string consumerId, bool paused)
    {
        if (await CheckAsync(participantId, () => _room.GetOwnConsumer(participantId, consumerId).Fault) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var consumer = _room.GetOwnConsumer(participantId, consumerId).Value!;
        var after = _room.IsHeldBack(consumer with { Paused = paused });
        if (_room.IsHeldBack(consumer) != after)
        {
            var reply = await _media.ExecuteAsync(participantId, new SetConsumerPaused(consumerId, after));
            if (reply.Fault is { } failed)
            {
                return await FinishAsync(failed);
            }
        }

        consumer.Paused = paused;
        return await FinishAsync(Done.Instance);
    }

    /// <inheritdoc/>
    public async Task<Outcome<Done>> CloseConsumerAsync(string participantId, string consumerId) =>
        await CommandAsync(
            participantId,
            () => _room.GetOwnConsumer(participantId, consumerId).Fault,
            new CloseConsumer(consumerId),
            () => _room.RemoveConsumer(consumerId));

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetPreferredLayersAsync(string participantId, string consumerId, int spatialLayer, int? temporalLayer) =>
        spatialLayer < 0 || temporalLayer < 0
            ? new Fault(FaultCode.Invalid, "Layers are counted from 0.")
            : await PreferLayersAsync(participantId, consumerId, spatialLayer, temporalLayer);

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetConsumerPriorityAsync(string participantId, string consumerId, int priority) =>
        priority is < 1 or > 255
            ? new Fault(FaultCode.Invalid, "A priority is 1 to 255.")
            : await CommandAsync(
                participantId,
                () => _room.GetOwnConsumer(participantId, consumerId).Fault,
                new SetConsumerPriority(consumerId, priority));

    /// <inheritdoc/>
    public async Task<Outcome<Done>> SetTransportBitrateAsync(string participantId, string transportId, TransportBitrate which, long bitrate)
    {
        await _media.EnsureAsync(participantId);
        var bitrates = _room.WithBitrate(participantId, transportId, which, bitrate);
        if (bitrates.Fault is { } fault)
        {
            return await FinishAsync(fault);
        }

        var reply = await _media.ExecuteAsync(participantId, new SetTransportBitrates(transportId, bitrates.Value!));
        if (reply.Fault is { } failed)
        {
            return await FinishAsync(failed);
        }

        _room.SetBitrates(participantId, transportId, bitrates.Value!);
        _unsaved = true;
        return await FinishAsync(Done.Instance);
    }

    private async Task<Outcome<Done>> PreferLayersAsync(string participantId, string consumerId, int spatialLayer, int? temporalLayer)
    {
        if (await CheckAsync(participantId, () => _room.GetOwnConsumer(participantId, consumerId).Fault) is { } fault)
        {
            return await FinishAsync(fault);
        }

        var consumer = _room.GetOwnConsumer(participantId, consumerId).Value!;
        var before = consumer.Preferred;
        consumer.Preferred = (spatialLayer, temporalLayer);
        var reply = await _media.ExecuteAsync(participantId, _room.LayersOf(consumer) ?? new SetPreferredLayers(consumerId, spatialLayer, temporalLayer));
        if (reply.Fault is { } failed)
        {
            consumer.Preferred = before;
            return await FinishAsync(failed);
        }

        return await FinishAsync(Done.Instance);
    }

    private static RoomConsumer NewConsumer(string participantId, string transportId, ConsumerSource source) =>
        new(NewId(), participantId, transportId, "", Paused: false, source);
}
