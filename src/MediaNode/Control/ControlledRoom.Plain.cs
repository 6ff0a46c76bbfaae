using System.Text.Json;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Admin;

namespace VoiceCluster.MediaNode.Control;

/// <summary>Plain transports of the room's participants. Those that only take something out of the room are not the room's.</summary>
internal sealed partial class ControlledRoom
{
    /// <summary>Where plain transports get their ports; null where there are none.</summary>
    public PlainTransports? Plain { get; init; }

    private Outcome<MediaReply> CreatePlain(CreatePlainTransport command, MediaWorker worker, long now)
    {
        if (Plain is null)
        {
            return new Fault(FaultCode.Unsupported, "This media node has no plain transports.");
        }

        if (_transports.TryGetValue(command.TransportId, out var known))
        {
            return known.ParticipantId == command.ParticipantId && known.Transport is PlainTransport same
                ? new TransportOpened(PlainJson.Describe(same).ToJsonString())
                : new Fault(FaultCode.Conflict, "The transport belongs to another participant.");
        }

        if (ReadOptions(command.OptionsJson, out var listen, out var options) is { } wrong)
        {
            return new Fault(FaultCode.Invalid, wrong);
        }

        var created = Plain.Open(thread, worker, _router!, command.TransportId, listen, options, now);
        if (!created.IsOk)
        {
            return FaultOf(created.Fault, created.Error);
        }

        created.Value.Owner = command.ParticipantId;
        _transports.Add(command.TransportId, new OwnedTransport(created.Value, command.ParticipantId, now));
        return new TransportOpened(PlainJson.Describe(created.Value).ToJsonString());
    }

    private static string? ReadOptions(string json, out PlainListen listen, out PlainTransportOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return PlainRequests.ReadOptions(document.RootElement, out listen, out options);
        }
        catch (JsonException)
        {
            (listen, options) = (default, new PlainTransportOptions());
            return "The transport's options are no JSON.";
        }
    }
}
