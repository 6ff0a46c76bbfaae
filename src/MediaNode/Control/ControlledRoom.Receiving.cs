using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>What the room's participants receive.</summary>
internal sealed partial class ControlledRoom
{
    private Outcome<MediaReply> CreateConsumer(CreateConsumer command, long now)
    {
        if (_router!.Consumers.TryGetValue(command.ConsumerId, out var known))
        {
            return known.Transport.Id == command.TransportId && (known as ProducerConsumer)?.Producer.Id == command.ProducerId
                ? Opened(known)
                : new Fault(FaultCode.Conflict, "The consumer belongs to another transport or producer.");
        }

        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        if (command.NegotiatedRtpParametersJson is { } negotiatedJson)
        {
            if (!RtpParameters.TryParse(negotiatedJson, out var negotiated, out var wrong))
            {
                return new Fault(FaultCode.Invalid, wrong);
            }

            var made = owned.Transport.ConsumeNegotiated(command.ConsumerId, command.ProducerId, negotiated, command.Paused, now);
            return made.IsOk ? Opened(made.Value) : FaultOf(made.Fault, made.Error);
        }

        if (!RtpCapabilities.TryParse(command.RtpCapabilitiesJson, out var capabilities, out var error))
        {
            return new Fault(FaultCode.Invalid, error);
        }

        var consumed = owned.Transport.Consume(command.ConsumerId, command.ProducerId, capabilities, command.Paused, now);
        if (consumed.IsOk)
        {
            NameSource(consumed.Value, command.SourceUserId);
        }

        return consumed.IsOk ? Opened(consumed.Value) : FaultOf(consumed.Fault, consumed.Error);
    }

    private Outcome<MediaReply> CreateSlots(CreateSlotConsumers command, long now)
    {
        var known = command.ConsumerIds.Select(id => _router!.Consumers.GetValueOrDefault(id)).ToArray();
        if (known.Length > 0 && known.All(c => c is SlotConsumer && c.Transport.Id == command.TransportId))
        {
            return new SlotConsumersOpened([.. known.Select(c => c!.RtpParameters.ToJson())]);
        }

        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        var negotiated = new RtpParameters[command.RtpParametersJson.Length];
        for (var i = 0; i < negotiated.Length; i++)
        {
            if (!RtpParameters.TryParse(command.RtpParametersJson[i], out var parameters, out var error))
            {
                return new Fault(FaultCode.Invalid, error);
            }

            negotiated[i] = parameters;
        }

        var slots = owned.Transport.ConsumeLoudest(command.ConsumerIds, negotiated, command.Paused, now);
        return slots.IsOk
            ? new SlotConsumersOpened([.. slots.Value.Select(s => s.RtpParameters.ToJson())])
            : FaultOf(slots.Fault, slots.Error);
    }

    private Outcome<MediaReply> CreateMix(CreateMixConsumer command, long now)
    {
        if (_router!.Consumers.TryGetValue(command.ConsumerId, out var known))
        {
            return known is MixConsumer && known.Transport.Id == command.TransportId
                ? Opened(known)
                : new Fault(FaultCode.Conflict, "The consumer belongs to another transport or source.");
        }

        if (!_transports.TryGetValue(command.TransportId, out var owned))
        {
            return NoTransport(command.TransportId);
        }

        if (!RtpParameters.TryParse(command.RtpParametersJson, out var negotiated, out var error))
        {
            return new Fault(FaultCode.Invalid, error);
        }

        var mixed = owned.Transport.ConsumeMix(command.ConsumerId, negotiated, command.Paused, now);
        return mixed.IsOk ? Opened(mixed.Value) : FaultOf(mixed.Fault, mixed.Error);
    }

    private Outcome<MediaReply> OnConsumer(string id, Action<Consumer> action)
    {
        if (!_router!.Consumers.TryGetValue(id, out var consumer))
        {
            return new Fault(FaultCode.NotFound, $"Consumer {id} does not exist.");
        }

        action(consumer);
        return new MediaDone();
    }

    private static void Pause(Consumer consumer, bool paused, long now)
    {
        if (paused)
        {
            consumer.Pause(now);
        }
        else
        {
            consumer.Resume(now);
        }
    }

    /// <summary>The participants who speak now, loudest first.</summary>
    internal Speaker[] DescribeSpeakers() => _router is null || _watch is null ? [] : _watch.DescribeAll(_router.CurrentSpeakers);

    /// <summary>For the room's home: another part's participants who speak, loudest first.</summary>
    internal bool TakeSpeakers(WorkerThread part, Speaker[] speakers)
    {
        _watch?.TakeSpeakers(part, speakers);
        return true;
    }

    /// <summary>For the room's home: a transport of another part has changed.</summary>
    internal bool TakeState(WorkerThread part, TransportStateChange change)
    {
        _watch?.TakeState(part, change);
        return true;
    }

    /// <summary>For the room's home: a transport of another part was closed by command.</summary>
    internal bool ForgetState(string transportId)
    {
        _watch?.ForgetState(transportId);
        return true;
    }

    private static ConsumerOpened Opened(Consumer consumer) =>
        new(consumer.RtpParameters.ToJson(), (Abstractions.Rooms.MediaKind)consumer.Kind, consumer.IsProducerPaused);

    private static ConsumerSource SourceOf(Consumer consumer) => consumer switch
    {
        SlotConsumer => ConsumerSource.Loudest,
        MixConsumer => ConsumerSource.Mix,
        _ => ConsumerSource.Producer,
    };
}
