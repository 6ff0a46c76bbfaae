using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// One worker's part of a room that is on several: the pipes to its other parts, and what <see cref="RoomSpread"/> asks of a part.
/// What comes from another part is a copy here, and belongs there.
/// </summary>
internal sealed partial class ControlledRoom
{
    /// <summary>The room's part at the worker where it was opened; null for that part itself.</summary>
    public ControlledRoom? Home => home;

    /// <summary>The room's other parts, at home only; null where rooms are on one worker each.</summary>
    public RoomSpread? Spread { get; set; }

    /// <summary>Consumers of clients here. For any thread.</summary>
    public int Consumers => _router?.ClientConsumers ?? 0;

    /// <summary>Whether every voice of the room is needed here. For any thread.</summary>
    public bool HearsEverybody => _router?.HearsEverybody ?? false;

    /// <summary>Whether every producer of the room is needed here. For any thread.</summary>
    public bool IsRecorded => _router?.IsRecorded ?? false;

    private static bool IsCopy(Producer producer) => producer.Transport is WorkerPipe;

    private static string PipeIdOf(int number) => $"worker/{number}";

    private WorkerPipe? FindWorkerPipe(int number) => _router?.Transports.GetValueOrDefault(PipeIdOf(number)) as WorkerPipe;

    /// <summary>What of a command's objects is here; opens the room where it is not open.</summary>
    public Outcome<Looked> LookAtHome(CommandIds ids, MediaWorker worker, long now) => Open(worker, now) is { } fault ? fault : new Looked(Look(ids));

    /// <inheritdoc cref="LookAtHome"/>
    public Holds Look(CommandIds ids)
    {
        var held = Holds.Nothing;
        if (ids.Transport is not null && _transports.ContainsKey(ids.Transport))
        {
            held |= Holds.Transport;
        }

        if (ids.Participant is not null && _transports.Values.Any(t => t.ParticipantId == ids.Participant))
        {
            held |= Holds.Participant;
        }

        if (ids.Producer is not null && _router?.Producers.GetValueOrDefault(ids.Producer) is { } producer)
        {
            held |= IsCopy(producer) ? Holds.Copy : Holds.Producer;
        }

        if (ids.Consumer is not null && _router?.Consumers.ContainsKey(ids.Consumer) == true)
        {
            held |= Holds.Consumer;
        }

        return held;
    }

    /// <summary>Runs a command that the room's home has admitted.</summary>
    public Outcome<MediaReply>? ExecuteAdmitted(MediaCommand command, int topSpeakers, MediaWorker worker, long now)
    {
        _topSpeakers = topSpeakers;
        _lastCommandAt = now;
        return IsClosed ? null : Execute(command, worker, now);
    }

    /// <summary>The room's own limit of speakers has changed at its home.</summary>
    public bool LimitSpeakers(int topSpeakers, long now)
    {
        _topSpeakers = topSpeakers;
        _router?.SetTopSpeakers(topSpeakers, now);
        return true;
    }

    /// <summary>Closes a part that is not the home; what it has counted.</summary>
    public RouterTotals CloseAsPart(MediaWorker worker, long now)
    {
        Close(worker, now);
        return MeasureAudio().Totals;
    }

    /// <summary>A part has ended: at home its clients count on, and what it told of them is over.</summary>
    public bool Inherit(WorkerThread part, in RouterTotals totals)
    {
        _router?.Inherit(totals);
        _watch?.ForgetPart(part);
        return true;
    }

    /// <summary>Opens this end of a pipe to another part; false when the room has closed.</summary>
    public bool OpenWorkerPipe(int number, WorkerLink link, MediaWorker worker, long now) =>
        !IsClosed && Open(worker, now) is null && worker.CreateWorkerPipe(_router!, PipeIdOf(number), number, link, now).IsOk;

    /// <summary>Closes this end of a pipe with all that came through it.</summary>
    public bool CloseWorkerPipe(int number, long now)
    {
        FindWorkerPipe(number)?.Close(now);
        return true;
    }

    /// <summary>Whether there is anything here that other parts may want.</summary>
    public bool HasOwn(bool withVideo) => _router?.Producers.Values.Any(p => !IsCopy(p) && (withVideo || p.Kind == MediaKind.Audio)) == true;

    /// <summary>Sends producers of this part through a pipe, one or all that are wanted; what the other end must know of them.</summary>
    public PipedProducer[] Offer(int number, string? producerId, bool withVideo, MediaWorker worker, long now)
    {
        if (FindWorkerPipe(number) is not { } pipe)
        {
            return [];
        }

        var offered = new List<PipedProducer>();
        foreach (var producer in _router!.Producers.Values.ToArray())
        {
            if (!IsCopy(producer) && (producerId is null ? withVideo || producer.Kind == MediaKind.Audio : producer.Id == producerId)
                && pipe.ConsumeForPipe(producer.Id, now) is { IsOk: true } piped)
            {
                offered.Add(new PipedProducer(producer.Id, producer.Kind, piped.Value.RtpParameters, producer.IsPaused, producer.Owner));
            }
        }

        worker.RunSoon(pipe, now);
        return [.. offered];
    }

    /// <summary>Makes copies of what the other end of a pipe offers; how many of them are here.</summary>
    public int Take(int number, PipedProducer[] offered, MediaWorker worker, long now)
    {
        var taken = 0;
        if (FindWorkerPipe(number) is not { } pipe)
        {
            return taken;
        }

        foreach (var offer in offered)
        {
            if (_router!.Producers.TryGetValue(offer.Id, out var known))
            {
                if (known.Transport == pipe && ReferenceEquals(known.RtpParameters.Encodings, offer.Parameters.Encodings))
                {
                    Pause(known, offer.Paused, now);
                    taken++;
                    continue;
                }

                if (!IsCopy(known))
                {
                    continue;
                }

                // Its source has begun anew.
                known.Close(now);
            }

            taken += pipe.Produce(offer.Id, offer.Kind, offer.Parameters, offer.Paused, now, offer.Owner).IsOk ? 1 : 0;
        }

        worker.RunSoon(pipe, now);
        return taken;
    }

    /// <summary>A copy follows its source.</summary>
    public bool PauseCopy(string producerId, bool paused, long now)
    {
        if (_router?.Producers.GetValueOrDefault(producerId) is { } producer && IsCopy(producer))
        {
            Pause(producer, paused, now);
        }

        return true;
    }

    /// <summary>A copy ends with its source, or where nobody needs it.</summary>
    public bool CloseCopy(string producerId, long now)
    {
        if (_router?.Producers.GetValueOrDefault(producerId) is { } producer && IsCopy(producer))
        {
            producer.Close(now);
        }

        return true;
    }

    /// <summary>Does not send a producer through a pipe any more.</summary>
    public bool Withdraw(int number, string producerId, long now)
    {
        FindWorkerPipe(number)?.Piped.GetValueOrDefault(producerId)?.Close(now);
        return true;
    }

    /// <summary>The part's pipes as they are, for comparison with their other ends.</summary>
    public PartView Describe() => new(
        _transports.Count + (_router?.Transports.Values.Count(t => t is PlainTransport) ?? 0),
        [
            .. from pipe in (_router?.Transports.Values ?? []).OfType<WorkerPipe>()
               select new PipeView(pipe.Number, [.. pipe.Piped.Keys], pipe.Producers.ToDictionary(p => p.Id, IsNeeded)),
        ]);

    private bool IsNeeded(Producer copy) =>
        copy.HasConsumers || _router!.IsRecorded || (copy.Kind == MediaKind.Audio && _router.HearsEverybody);

    /// <summary>How the sound of this part's clients flows.</summary>
    public RouterAudio MeasureAudio() => _router?.DescribeAudio() ?? new RouterAudio(default, 0, 0, 0, 0, [], 0);
}

/// <summary>What of a command's objects a part has.</summary>
[Flags]
internal enum Holds
{
    Nothing = 0,
    Transport = 1,
    Participant = 2,
    Producer = 4,

    /// <summary>The producer as it comes from another part.</summary>
    Copy = 8,
    Consumer = 16,
}

internal sealed record Looked(Holds Holds);

/// <summary>The objects that a command names.</summary>
internal readonly record struct CommandIds(string? Transport = null, string? Participant = null, string? Producer = null, string? Consumer = null)
{
    public static CommandIds Of(MediaCommand command) => command switch
    {
        CreateWebRtcTransport c => new(c.TransportId, c.ParticipantId),
        ConnectWebRtcTransport c => new(c.TransportId),
        SetMaxVideoBitrate c => new(c.TransportId),
        RestartIce c => new(c.TransportId),
        CloseTransport c => new(c.TransportId),
        CreateProducer c => new(c.TransportId, Producer: c.ProducerId),
        SetProducerPaused c => new(Producer: c.ProducerId),
        CloseProducer c => new(Producer: c.ProducerId),
        CreateConsumer c => new(c.TransportId, Producer: c.ProducerId, Consumer: c.ConsumerId),
        CreateSlotConsumers c => new(c.TransportId, Consumer: c.ConsumerIds.FirstOrDefault()),
        CreateMixConsumer c => new(c.TransportId, Consumer: c.ConsumerId),
        SetConsumerPaused c => new(Consumer: c.ConsumerId),
        SetPreferredLayers c => new(Consumer: c.ConsumerId),
        SetConsumerPriority c => new(Consumer: c.ConsumerId),
        CloseConsumer c => new(Consumer: c.ConsumerId),
        CreatePipeConsumer c => new(Producer: c.ProducerId),
        CreatePipeProducer c => new(Producer: c.ProducerId),
        _ => default,
    };
}

/// <summary>A producer on its way to another part.</summary>
internal sealed record PipedProducer(string Id, MediaKind Kind, RtpParameters Parameters, bool Paused, string Owner);

/// <param name="Transports">Of clients.</param>
internal sealed record PartView(int Transports, PipeView[] Pipes);

/// <param name="Out">What this part sends.</param>
/// <param name="In">What it gets, and whether anybody here needs it.</param>
internal sealed record PipeView(int Number, HashSet<string> Out, Dictionary<string, bool> In);
