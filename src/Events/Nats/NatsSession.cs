namespace VoiceCluster.Events.Nats;

/// <summary>A connection that is up, with its requests and what is known of the server's streams.</summary>
internal sealed record NatsSession(INatsLink Link, NatsRequests Requests, StreamLookup Streams);
