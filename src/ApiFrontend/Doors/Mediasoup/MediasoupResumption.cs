using System.Security.Cryptography;
using System.Text;
using VoiceCluster.ApiFrontend.SocketIo;

namespace VoiceCluster.ApiFrontend.Doors.Mediasoup;

/// <summary>
/// The secret with which a client takes its participant over: the participant's id and 160 random bits. The room keeps a digest,
/// so every frontend can let the client resume, and nobody who reads the room's state can.
/// </summary>
internal readonly record struct MediasoupResumption(string Token, string ParticipantId, string Key)
{
    private const int IdLength = 32;

    /// <summary>For a new participant.</summary>
    public static MediasoupResumption Make()
    {
        Guid id = Guid.NewGuid();
        return Of(id, $"{id:N}{SocketIoNamespace.NewId()}");
    }

    /// <summary>What a token that a client shows says; null when it is none of ours.</summary>
    public static MediasoupResumption? Read(string token)
        => token.Length > IdLength && Guid.TryParseExact(token.AsSpan(0, IdLength), "N", out Guid id) ? Of(id, token) : null;

    private static MediasoupResumption Of(Guid id, string token)
        => new(token, id.ToString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token))));
}
