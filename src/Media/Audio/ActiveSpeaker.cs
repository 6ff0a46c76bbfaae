using VoiceCluster.Media.Routing;

namespace VoiceCluster.Media.Audio;

/// <summary>A producer that speaks now.</summary>
/// <param name="Producer">The audio producer.</param>
/// <param name="Level">Smoothed loudness in dBov: 0 is the loudest, -127 silence (RFC 6464 §3).</param>
public readonly record struct ActiveSpeaker(Producer Producer, int Level);
