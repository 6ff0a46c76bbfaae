using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Control;

/// <summary>
/// Collects what changes in a room into reports: the first change goes at once, what follows within
/// <see cref="RoomReports.Spacing"/> goes together. On the worker's thread.
/// </summary>
internal sealed class RoomWatch(ControlledRoom room, RoomReports reports) : IRouterListener, IWebRtcTransportListener
{
    private readonly Dictionary<string, MediaTransportState> _transports = new(StringComparer.Ordinal);
    private Speaker[]? _speakers;
    private long _lastReport = long.MinValue / 2;
    private bool _isWaiting;
    private bool _stopped;

    /// <inheritdoc/>
    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
        var list = new List<Speaker>(speakers.Length);
        foreach (var speaker in speakers)
        {
            // A participant with two voices is one speaker, as loud as the louder: the list is loudest first.
            if (room.FindTransport(speaker.Producer.Transport.Id) is { } owned && !list.Exists(s => s.ParticipantId == owned.ParticipantId))
            {
                list.Add(new Speaker(owned.ParticipantId, speaker.Level));
            }
        }

        _speakers = [.. list];
        Changed();
    }

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

        _transports[transport.Id] = (MediaTransportState)state;
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
    public void Flush()
    {
        _isWaiting = false;
        if (_stopped || (_speakers is null && _transports.Count == 0))
        {
            return;
        }

        _lastReport = reports.Clock.Now;
        reports.Send(this, room.Name, room.Epoch, _speakers, [.. _transports.Select(t => new TransportStateChange(t.Key, t.Value))]);
        _speakers = null;
        _transports.Clear();
    }

    /// <summary>
    /// Takes back a report that did not arrive: its transports are reported again with the state that they have now,
    /// because a later report may have arrived already. Speakers are out of date by then.
    /// </summary>
    public void TakeBack(TransportStateChange[] changes)
    {
        foreach (var change in changes)
        {
            _transports[change.TransportId] = room.FindTransport(change.TransportId) is { } owned
                ? (MediaTransportState)owned.Transport.State
                : MediaTransportState.Closed;
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
