using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// Collects what changes in a room into reports: the first change goes at once, what follows within
/// <see cref="RoomReports.Spacing"/> goes together. On the worker's thread.
/// </summary>
internal sealed class RoomWatch(ControlledRoom room, RoomReports reports) : IRouterListener, IWebRtcTransportListener, IRelayTransportListener
{
    private readonly Dictionary<string, TransportStateChange> _transports = new(StringComparer.Ordinal);

    // At the room's home: what its other parts have told.
    private readonly Dictionary<WorkerThread, Speaker[]> _speakersOfParts = [];
    private readonly Dictionary<string, (WorkerThread Part, TransportStateChange State)> _transportsOfParts = new(StringComparer.Ordinal);

    // When the last ten reports went; the oldest is at _nextSent.
    private readonly long[] _sentAt = [.. Enumerable.Repeat(long.MinValue / 2, RoomReports.MaxPerSecond)];
    private int _nextSent;
    private Speaker[]? _speakers;
    private long _lastReport = long.MinValue / 2;
    private bool _isWaiting;
    private bool _stopped;

    /// <inheritdoc/>
    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
        var found = Describe(speakers.ToArray()).ToArray();
        if (room.Home is { } home)
        {
            var part = room.Thread;
            _ = home.Thread.InvokeAsync((_, _) => home.TakeSpeakers(part, found));
            return;
        }

        Speak(Merge(found));
    }

    /// <summary>At home: who speaks at another part.</summary>
    public void TakeSpeakers(WorkerThread part, Speaker[] speakers)
    {
        _speakersOfParts[part] = speakers;
        Speak(room.DescribeSpeakers());
    }

    /// <summary>At home: a transport of another part has changed.</summary>
    public void TakeState(WorkerThread part, TransportStateChange change)
    {
        if (change.State == MediaTransportState.Closed)
        {
            _transportsOfParts.Remove(change.TransportId);
        }
        else
        {
            _transportsOfParts[change.TransportId] = (part, change);
        }

        _transports[change.TransportId] = change;
        Changed();
    }

    /// <summary>At home: a transport of another part is no more, as the grain knows.</summary>
    public void ForgetState(string transportId) => _transportsOfParts.Remove(transportId);

    /// <summary>At home: another part has ended; what is known of its transports has closed with it.</summary>
    public void ForgetPart(WorkerThread part)
    {
        if (_speakersOfParts.Remove(part, out var speakers) && speakers.Length > 0)
        {
            Speak(room.DescribeSpeakers());
        }

        foreach (var (id, of) in _transportsOfParts.Where(t => t.Value.Part == part).ToArray())
        {
            TakeState(part, of.State with { State = MediaTransportState.Closed });
        }
    }

    /// <summary>The participants of all parts who speak, loudest first; those of this part are given.</summary>
    public Speaker[] DescribeAll(IEnumerable<ActiveSpeaker> speakers) => Merge(Describe(speakers));

    private Speaker[] Merge(IEnumerable<Speaker> own) => _speakersOfParts.Count == 0
        ? [.. own]
        : [.. own.Concat(_speakersOfParts.Values.SelectMany(s => s)).OrderByDescending(s => s.Level).DistinctBy(s => s.ParticipantId)];

    private void Speak(Speaker[] speakers)
    {
        _speakers = speakers;

        // Who speaks is to be known within 100 ms: it does not wait for the spacing while fewer than ten went in a second.
        Flush();
    }

    /// <summary>The participants who speak, loudest first.</summary>
    public IEnumerable<Speaker> Describe(IEnumerable<ActiveSpeaker> speakers) =>
        from speaker in speakers
        let owned = room.FindTransport(speaker.Producer.Transport.Id)
        where owned is not null

        // A participant with two voices is one speaker, as loud as the louder: the first.
        group speaker by owned.ParticipantId into voices
        select new Speaker(voices.Key, voices.First().Level);

    /// <inheritdoc/>
    public void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state)
    {
        var owned = room.FindTransport(transport.Id);
        if (owned is null)
        {
            // Closed by command: the grain knows.
            if (room.Home is { } home)
            {
                _ = home.Thread.InvokeAsync((_, _) => home.ForgetState(transport.Id));
            }

            return;
        }

        if (state == WebRtcTransportState.Connected && !owned.WasConnected)
        {
            owned.WasConnected = true;
            reports.Metrics.TransportConnected(reports.Clock.Now - owned.CreatedAt);
        }

        if (state == WebRtcTransportState.Closed)
        {
            room.Forget(transport.Id);
        }

        Note(new TransportStateChange(transport.Id, (MediaTransportState)state, transport.WasSilent));
    }

    /// <inheritdoc/>
    public void OnStateChanged(RelayTransport transport, RelayTransportState state)
    {
        if (room.FindTransport(transport.Id) is null)
        {
            // Closed by command: the grain knows.
            return;
        }

        if (state == RelayTransportState.Closed)
        {
            room.Forget(transport.Id);
        }

        _transports[transport.Id] = new TransportStateChange(transport.Id, RelayStates.Of(state));
        Changed();
    }

    /// <inheritdoc/>
    public void OnProducerClosed(Router router, Producer producer)
    {
        // The grain closes producers, or learns of it by their transport. Copies at other parts end with it.
        TidyParts();
    }

    /// <inheritdoc/>
    public void OnConsumerClosed(Router router, Consumer consumer)
    {
        // The grain removes the consumers of a producer that it closes. It may have been the last for which another part sends.
        TidyParts();
    }

    private void TidyParts() => (room.Home ?? room).Spread?.TidySoon();

    private void Note(TransportStateChange change)
    {
        if (room.Home is { } home)
        {
            var part = room.Thread;
            _ = home.Thread.InvokeAsync((_, _) => home.TakeState(part, change));
            if (change.State == MediaTransportState.Closed)
            {
                TidyParts();
            }

            return;
        }

        _transports[change.TransportId] = change;
        Changed();
    }

    /// <summary>A closed room reports no more.</summary>
    public void Stop() => _stopped = true;

    /// <summary>Sends what has gathered. Called by the reports' timer.</summary>
    public void FlushNow()
    {
        _isWaiting = false;
        Flush();
    }

    private void Flush()
    {
        if (_stopped || (_speakers is null && _transports.Count == 0))
        {
            return;
        }

        if (reports.Clock.Now - _sentAt[_nextSent] < RoomReports.Second)
        {
            Wait();
            return;
        }

        _lastReport = reports.Clock.Now;
        _sentAt[_nextSent] = _lastReport;
        _nextSent = (_nextSent + 1) % _sentAt.Length;
        reports.Send(this, room.Name, room.Epoch, _speakers, [.. _transports.Values]);
        _speakers = null;
        _transports.Clear();
    }

    /// <summary>
    /// Takes back a report that did not arrive: its transports and the speakers are reported again as they are now, because
    /// a later report may have arrived already.
    /// </summary>
    public void TakeBack(MediaReport report)
    {
        if (report.Speakers is not null)
        {
            _speakers ??= room.DescribeSpeakers();
        }

        foreach (var change in report.Transports)
        {
            _transports[change.TransportId] = room.FindTransport(change.TransportId) is { } owned ? new TransportStateChange(change.TransportId, owned.State)
                : _transportsOfParts.TryGetValue(change.TransportId, out var elsewhere) ? elsewhere.State
                : change with { State = MediaTransportState.Closed };
        }

        Wait();
    }

    /// <summary>The thread whose work this is.</summary>
    public WorkerThread Thread => room.Thread;

    private void Changed()
    {
        if (reports.Clock.Now - _lastReport >= RoomReports.Spacing)
        {
            Flush();
        }
        else
        {
            Wait();
        }
    }

    private void Wait()
    {
        if (!_isWaiting && !_stopped)
        {
            _isWaiting = true;
            reports.FlushLater(this);
        }
    }
}
