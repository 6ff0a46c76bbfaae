using System.Globalization;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>What the remote receives: producers, slots of the loudest, the mix.</summary>
public abstract partial class Transport
{
    private SlotSet? _slots;
    private int _nextMid;

    /// <summary>Sends a producer's media to the remote, with the router's payload types and extension ids.</summary>
    public MediaResult<ProducerConsumer> Consume(string id, string producerId, RtpCapabilities capabilities, bool paused, long now)
    {
        if (CheckNew<ProducerConsumer>(1, id) is { } refused)
        {
            return refused;
        }

        if (!Router.Producers.TryGetValue(producerId, out var producer))
        {
            return MediaResult<ProducerConsumer>.Refuse(MediaFault.NotFound, $"There is no producer {producerId}.");
        }

        if (ParameterValidation.Check(capabilities) is { } invalid)
        {
            return MediaResult<ProducerConsumer>.Refuse(MediaFault.Invalid, invalid);
        }

        var mid = _nextMid.ToString(CultureInfo.InvariantCulture);
        var parameters = Ortc.MakeConsumer(producer.ConsumableParameters, capabilities, mid, FreeSsrc(), FreeSsrc());
        if (parameters is null)
        {
            return MediaResult<ProducerConsumer>.Refuse(MediaFault.Unsupported, $"The capabilities have no codec of producer {producerId}.");
        }

        _nextMid++;
        return MediaResult<ProducerConsumer>.Ok(Start(id, producer, parameters, ConsumerMapping.Identity(parameters), paused, now));
    }

    /// <summary>Sends a producer's media to the remote, with the payload types and ids that were negotiated with it.</summary>
    public MediaResult<ProducerConsumer> ConsumeNegotiated(string id, string producerId, RtpParameters negotiated, bool paused, long now)
    {
        if (CheckNew<ProducerConsumer>(1, id) is { } refused)
        {
            return refused;
        }

        if (!Router.Producers.TryGetValue(producerId, out var producer))
        {
            return MediaResult<ProducerConsumer>.Refuse(MediaFault.NotFound, $"There is no producer {producerId}.");
        }

        if (ParameterValidation.Check(negotiated) is { } invalid)
        {
            return MediaResult<ProducerConsumer>.Refuse(MediaFault.Invalid, invalid);
        }

        var parameters = Ortc.MakeNegotiated(producer.ConsumableParameters, negotiated, FreeSsrc(), FreeSsrc(), out var mapping);
        return parameters is null
            ? MediaResult<ProducerConsumer>.Refuse(MediaFault.Unsupported, $"The negotiated parameters have no codec of producer {producerId}.")
            : MediaResult<ProducerConsumer>.Ok(Start(id, producer, parameters, mapping, paused, now));
    }

    /// <summary>
    /// Sends the loudest of the others to the remote, one in each slot. All slots of a transport share the loudest between
    /// them. Either all are made or none.
    /// </summary>
    public MediaResult<SlotConsumer[]> ConsumeLoudest(string[] ids, RtpParameters[] negotiated, bool paused, long now)
    {
        if (CheckNew<SlotConsumer[]>(ids.Length, ids) is { } refused)
        {
            return refused;
        }

        if (ids.Length == 0 || ids.Length != negotiated.Length || ids.Distinct(StringComparer.Ordinal).Count() != ids.Length)
        {
            return MediaResult<SlotConsumer[]>.Refuse(MediaFault.Invalid, "Each slot needs an id of its own and its parameters.");
        }

        var slots = new SlotConsumer[ids.Length];
        var ssrcs = new HashSet<uint>();
        for (var i = 0; i < ids.Length; i++)
        {
            var ssrc = FreeSsrc();
            while (!ssrcs.Add(ssrc))
            {
                ssrc = FreeSsrc();
            }

            if (ParameterValidation.Check(negotiated[i]) is { } invalid)
            {
                return MediaResult<SlotConsumer[]>.Refuse(MediaFault.Invalid, invalid);
            }

            if (Ortc.MakeNegotiated(RouterAudio(), negotiated[i], ssrc, 0, out var mapping) is not { } parameters)
            {
                return MediaResult<SlotConsumer[]>.Refuse(MediaFault.Unsupported, "The loudest are sent as opus/48000/2, which the parameters do not have.");
            }

            slots[i] = new SlotConsumer(this, ids[i], parameters, mapping, paused);
        }

        if (_slots is null)
        {
            _slots = new SlotSet(this);
            Router.Loudest.Open(_slots);
        }

        foreach (var slot in slots)
        {
            Start(slot, now);
            _slots.Add(slot);
        }

        Router.Loudest.Assign(Router.Speakers.Voices, now);
        return MediaResult<SlotConsumer[]>.Ok(slots);
    }

    /// <summary>Sends the mix of all others to the remote. Unsupported where there is no Opus library.</summary>
    public MediaResult<MixConsumer> ConsumeMix(string id, RtpParameters negotiated, bool paused, long now)
    {
        if (CheckNew<MixConsumer>(1, id) is { } refused)
        {
            return refused;
        }

        if (ParameterValidation.Check(negotiated) is { } invalid)
        {
            return MediaResult<MixConsumer>.Refuse(MediaFault.Invalid, invalid);
        }

        if (!OpusSupport.IsAvailable)
        {
            return MediaResult<MixConsumer>.Refuse(MediaFault.Unsupported, "This media node cannot mix: it has no Opus library.");
        }

        if (Ortc.MakeNegotiated(RouterAudio(), negotiated, FreeSsrc(), 0, out var mapping) is not { } parameters)
        {
            return MediaResult<MixConsumer>.Refuse(MediaFault.Unsupported, "The mix is sent as opus/48000/2, which the parameters do not have.");
        }

        var consumer = new MixConsumer(this, id, parameters, mapping, paused, Router.EnsureMixer());
        Start(consumer, now);
        return MediaResult<MixConsumer>.Ok(consumer);
    }

    internal void OnSlotClosed(SlotConsumer slot)
    {
        if (_slots is not null && _slots.Remove(slot))
        {
            Router.Loudest.Close(_slots);
            _slots = null;
        }
    }

    private protected MediaResult<T>? CheckNew<T>(int count, params ReadOnlySpan<string> ids)
        where T : class
    {
        if (IsClosed || Router.IsClosed)
        {
            return MediaResult<T>.Refuse(MediaFault.Closed, "The transport is closed.");
        }

        foreach (var id in ids)
        {
            if (Router.Consumers.ContainsKey(id))
            {
                return MediaResult<T>.Refuse(MediaFault.Conflict, $"There is a consumer {id} already.");
            }
        }

        return _consumers.Count > MaxConsumers - count
            ? MediaResult<T>.Refuse(MediaFault.Full, $"A transport has at most {MaxConsumers} consumers.")
            : null;
    }

    private ProducerConsumer Start(string id, Producer producer, RtpParameters parameters, ConsumerMapping mapping, bool paused, long now)
    {
        var consumer = new ProducerConsumer(this, id, producer, parameters, mapping, paused);
        Start(consumer, now);
        producer.AddConsumer(consumer);
        AdaptTo(consumer);
        Allocate(now);
        consumer.ChooseTarget(now);
        consumer.RequestKeyFrame(now);
        return consumer;
    }

    /// <summary>Sends one encoding of a producer, whatever of the others flows.</summary>
    private protected ProducerConsumer StartEncoding(string id, Producer producer, RtpParameters parameters, int encoding, long now)
    {
        var consumer = new ProducerConsumer(this, id, producer, parameters, ConsumerMapping.Identity(parameters), paused: false, encoding);
        Start(consumer, now);
        producer.AddConsumer(consumer);
        consumer.ChooseTarget(now);
        consumer.RequestKeyFrame(now);
        return consumer;
    }

    private protected string NextMid() => (_nextMid++).ToString(CultureInfo.InvariantCulture);

    private void Start(Consumer consumer, long now)
    {
        _consumers.Add(consumer);
        _consumersBySsrc.Add(consumer.Sender.Ssrc, consumer);
        Router.Add(consumer);
        Deadline = Math.Min(Deadline, now);
    }

    private RtpParameters RouterAudio() => Ortc.MakeRouterAudio(Router.AllCapabilities, $"{_rtcpSsrc}@{Id}");

    private uint FreeSsrc()
    {
        uint ssrc;
        do
        {
            ssrc = Router.NextSsrc();
        }
        while (_consumersBySsrc.ContainsKey(new Ssrc(ssrc)));

        return ssrc;
    }
}
