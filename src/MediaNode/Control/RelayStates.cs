using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.MediaNode.Control;

/// <summary>A relay transport's states in the words of the reports.</summary>
internal static class RelayStates
{
    public static MediaTransportState Of(RelayTransportState state) => state switch
    {
        RelayTransportState.New => MediaTransportState.New,
        RelayTransportState.Connected => MediaTransportState.Connected,
        RelayTransportState.Disconnected => MediaTransportState.Disconnected,
        _ => MediaTransportState.Closed,
    };
}
