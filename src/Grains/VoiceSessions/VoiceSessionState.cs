using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Abstractions.VoiceSessions;

namespace VoiceCluster.Grains.VoiceSessions;

/// <summary>A voice session as it is stored, with the events of its changes. A session that has ended has no row.</summary>
[GenerateSerializer, Alias("vc.VoiceSessionState")]
public sealed class VoiceSessionState : IOutboxState
{
    /// <summary>Events kept while no outbox takes them; then the oldest are dropped.</summary>
    public const int MaxPendingEvents = 256;

    /// <summary>The session, or null before it began and after its end.</summary>
    [Id(0)]
    public VoiceSessionInfo? Session { get; set; }

    /// <summary>What was negotiated.</summary>
    [Id(1)]
    public VoiceMedia Media { get; set; } = new();

    /// <inheritdoc/>
    [Id(2)]
    public List<DomainEvent> PendingEvents { get; set; } = [];
}

/// <summary>The session's transport and what flows on it.</summary>
[GenerateSerializer, Alias("vc.VoiceMedia")]
public sealed class VoiceMedia
{
    /// <summary>The transport, or null when its media node is gone.</summary>
    [Id(0)]
    public string? TransportId { get; set; }

    /// <summary>mediasoup's description of it.</summary>
    [Id(1)]
    public string TransportJson { get; set; } = "";

    /// <summary>Its ICE parameters after a restart, or null.</summary>
    [Id(2)]
    public string? IceParametersJson { get; set; }

    /// <summary>The id in the client's description; null before its first offer on this transport.</summary>
    [Id(3)]
    public string? Description { get; set; }

    [Id(4)]
    public string IceUsernameFragment { get; set; } = "";

    [Id(5)]
    public string DtlsParametersJson { get; set; } = "";

    /// <summary>Counts the answers.</summary>
    [Id(6)]
    public long Version { get; set; }

    /// <summary>What flows, by mid.</summary>
    [Id(7)]
    public List<VoiceSection> Sections { get; set; } = [];

    /// <summary>Whether the transport has the client's DTLS parameters.</summary>
    [Id(8)]
    public bool IsConnected { get; set; }

    /// <summary>Everything but the count of answers: the transport is gone with what flowed on it.</summary>
    public void Forget()
    {
        TransportId = null;
        TransportJson = "";
        IceParametersJson = null;
        Description = null;
        IceUsernameFragment = "";
        DtlsParametersJson = "";
        Sections = [];
        IsConnected = false;
    }
}

/// <summary>One section that sends or receives.</summary>
/// <param name="SendJson">What the client sends, with the producer that takes it.</param>
/// <param name="ReceiveJson">What was agreed for receiving, with the consumer and its completed parameters.</param>
[GenerateSerializer, Immutable, Alias("vc.VoiceSection")]
public sealed record VoiceSection(
    [property: Id(0)] string Mid,
    [property: Id(1)] string? SendJson,
    [property: Id(2)] string? ProducerId,
    [property: Id(3)] string? ReceiveJson,
    [property: Id(4)] ConsumerSource? Source,
    [property: Id(5)] string? ConsumerId,
    [property: Id(6)] string? SentJson,
    [property: Id(7)] MediaKind Kind = MediaKind.Audio);

/// <summary>A user of voice as it is stored.</summary>
[GenerateSerializer, Alias("vc.VoiceUserState")]
public sealed class VoiceUserState
{
    /// <summary>The session that the user has, if that still lives.</summary>
    [Id(0)]
    public Guid? SessionId { get; set; }

    /// <summary>Whether no channel lets the user in.</summary>
    [Id(1)]
    public bool IsBanned { get; set; }
}
