using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.ApiFrontend.Rooms;

/// <summary>
/// The secret with which a client takes its participant over: the participant's id and 160 random bits. The room keeps a digest,
/// so every frontend can let the client resume, and nobody who reads the room's state can.
/// </summary>
internal readonly record struct RoomResumption(string Token, string ParticipantId, string Key)
{
    /// <summary>Characters of the longest token that is looked at.</summary>
    public const int MaxLength = 256;

    private const int IdLength = 32;
    private const int SecretBytes = 20;

    /// <summary>For a new participant.</summary>
    public static RoomResumption Make()
    {
        Guid id = Guid.NewGuid();
        return Of(id, $"{id:N}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>What a token that a client shows says; null when it is none of ours.</summary>
    public static RoomResumption? Read(string token)
        => token.Length is > IdLength and <= MaxLength && Guid.TryParseExact(token.AsSpan(0, IdLength), "N", out Guid id) ? Of(id, token) : null;

    private static RoomResumption Of(Guid id, string token)
        => new(token, id.ToString(), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token))));
}
