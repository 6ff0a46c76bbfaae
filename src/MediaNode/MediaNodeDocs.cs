using System.ComponentModel;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.MediaNode;

/// <summary>The media node's route in the OpenAPI document.</summary>
internal static class MediaNodeDocs
{
    /// <summary><c>GET /media</c>.</summary>
    public static RouteDocs Media { get; } = OperationsDocs.Door.Route("getMedia", "What clients are told of this media node")
        .About("The announced address, and each worker with its UDP port and its load: the first place to look when nobody connects.")
        .Answer<MediaAnswer>(200, "The node as it is now.", """
            {"announced":"203.0.113.7","rooms":1,"workers":[{"index":0,"listens":"0.0.0.0:10000","alive":true,"busy":0.0123,"transports":4,"producers":2,"consumers":2,"pipes":0,"workerPipes":0}]}
            """);

    private sealed record MediaAnswer(
        [property: Description("The address that clients are told.")] string? Announced,
        int Rooms,
        MediaWorkerAnswer[] Workers);

    private sealed record MediaWorkerAnswer(
        int Index,
        [property: Description("Address and UDP port.")] string Listens,
        bool Alive,
        [property: Description("The part of the last second that the worker worked, 0 to 1.")] double Busy,
        int Transports,
        int Producers,
        int Consumers,
        [property: Description("Pipes to other media nodes, for rooms that are on several.")] int Pipes,
        [property: Description("Pipes to other workers of this node, for rooms that are on several.")] int WorkerPipes);
}
