namespace VoiceCluster.Media.Relay;

/// <summary>What a relay packet is: the low seven bits of its type byte.</summary>
public enum RelayPacketType : byte
{
    /// <summary>One Opus packet.</summary>
    Audio = 0,

    /// <summary>The client proves its address; the payload is the session.</summary>
    AudioStart = 1,

    /// <summary>The client stops speaking for now.</summary>
    AudioStop = 2,

    /// <summary>A frame of silence, without payload.</summary>
    Silence = 3,

    /// <summary>Asks for a <see cref="Pong"/> with the same payload.</summary>
    Ping = 4,

    /// <summary>The answer to a <see cref="Ping"/>, and the server's to an <see cref="AudioStart"/>.</summary>
    Pong = 5,

    /// <summary>The server's advice: bits a second to encode at (u32), and the share lost of 256 (u8).</summary>
    Bitrate = 6,
}
