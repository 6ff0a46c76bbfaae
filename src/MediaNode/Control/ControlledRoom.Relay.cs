using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Relay;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Control;

/// <summary>The room's native clients, and how its sound flows.</summary>
internal sealed partial class ControlledRoom
{
    private static readonly RelayMedia Media = new(
        RelayParameters.Producer.ToJson(), RelayParameters.Capabilities.ToJson(), RelayParameters.Mix.ToJson());

    private Outcome<MediaReply> CreateRelay(CreateRelayTransport command, MediaWorker worker, long now)
    {
        if (relayEndPoint is null)
        {
            return new Fault(FaultCode.Unsupported, "This media node has no relay port.");
        }

        var opened = new RelayTransportOpened(new RelayEndPoint(relayEndPoint.Address.ToString(), relayEndPoint.Port), Media);
        if (_transports.TryGetValue(command.TransportId, out var known))
        {
            return known.ParticipantId == command.ParticipantId && known.Transport is RelayTransport
                ? opened
                : new Fault(FaultCode.Conflict, "The transport belongs to another participant.");
        }

        if (!Guid.TryParseExact(name, "D", out var channel))
        {
            return new Fault(FaultCode.Unsupported, "Relay clients join channels: the room is named by a UUID.");
        }

        // The arrays become the transport's own, which wipes them in the end.
        var credentials = new RelayCredentials(
            command.TransportId, RelayIdentity.Of(command.UserId, channel), (byte[])command.Session.Clone(), (byte[])command.Key.Clone());
        var created = worker.CreateRelay(_router!, credentials, _watch!, now);
        if (!created.IsOk)
        {
            return FaultOf(created.Fault, created.Error);
        }

        created.Value.Owner = command.ParticipantId;
        _transports.Add(command.TransportId, new OwnedTransport(created.Value, command.ParticipantId, now));
        return opened;
    }

    private Outcome<MediaReply> DescribeAudio() => Report(MeasureAudio());

    /// <summary>The answer to <see cref="ReportAudio"/>.</summary>
    public static AudioReported Report(in RouterAudio audio) => new(
        new AudioStatistics(
            audio.Totals.PacketsReceived,
            audio.Totals.BytesReceived,
            audio.Totals.PacketsSent,
            audio.Totals.BytesSent,
            audio.Totals.Dropped,
            audio.Totals.Expired,
            audio.Lost,
            audio.Expected,
            audio.JitterMilliseconds,
            audio.RoundTripOf(0.5),
            audio.RoundTripOf(0.99),
            audio.Clients),
        audio.Voices,
        audio.RoundTrips);

    private WebRtcTransport? FindWebRtc(string transportId) => _transports.GetValueOrDefault(transportId)?.Transport as WebRtcTransport;

    /// <summary>Relay packets name the user whose voice they carry.</summary>
    private static void NameSource(Media.Routing.Consumer consumer, Guid? userId)
    {
        if (consumer.Transport is RelayTransport relay && userId is { } user)
        {
            relay.NameSource(consumer, user);
        }
    }
}
