namespace VoiceCluster.Media.Srtp;

/// <summary>The sending half of an SRTP session: protects packets in place. One thread at a time; allocates only for a new SSRC.</summary>
public sealed class SrtpSender : IDisposable
{
    /// <param name="profile">One of the three.</param>
    /// <param name="masterKey">Exactly <see cref="SrtpProfiles.KeyLength"/> bytes.</param>
    /// <param name="masterSalt">Exactly <see cref="SrtpProfiles.SaltLength"/> bytes.</param>
    public SrtpSender(SrtpProfile profile, ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt) => throw new NotImplementedException();

    /// <summary>
    /// Protects the RTP packet in the first <paramref name="length"/> bytes; the buffer needs <see cref="SrtpProfiles.MaxTrailer"/> bytes of room behind.
    /// Returns the new length, or -1 when it must not be sent: malformed, or with GCM a sequence number sent before (its nonce would repeat).
    /// </summary>
    public int ProtectRtp(Span<byte> buffer, int length) => throw new NotImplementedException();

    /// <summary>Protects a compound RTCP packet likewise.</summary>
    public int ProtectRtcp(Span<byte> buffer, int length) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
