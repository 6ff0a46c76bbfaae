using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// Collects what changes in a room into reports: the first change goes at once, what follows within
/// <see cref="RoomReports.Spacing"/> goes together. On the worker's thread.
/// </summary>
internal sealed class RoomWatch(ControlledRoom room, RoomReports reports) : IRouterListener, IWebRtcTransportListener, IRelayTransportListener
{
    private readonly Dictionary<string, TransportStateChange> _transports = new(StringComparer.Ordinal);

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
        _speakers = [.. Describe(speakers.ToArray())];

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

        _transports[transport.Id] = new TransportStateChange(transport.Id, (MediaTransportState)state, transport.WasSilent);
        Changed();
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
        // The grain closes producers, or learns of it by their transport.
    }

    /// <inheritdoc/>
    public void OnConsumerClosed(Router router, Consumer consumer)
    {
        // The grain removes the consumers of a producer that it closes.
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
            _transports[change.TransportId] = room.FindTransport(change.TransportId) is { } owned
                ? new TransportStateChange(change.TransportId, owned.State)
                : change with { State = MediaTransportState.Closed };
        }

        Wait();
    }

    /// <summary>The thread whose work this is.</summary>
    public Io.WorkerThread Thread => room.Thread;

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
