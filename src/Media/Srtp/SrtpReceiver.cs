namespace VoiceCluster.Media.Srtp;

/// <summary>The receiving half of an SRTP session: authenticates and decrypts in place. One thread at a time; allocates only for a new SSRC.</summary>
public sealed class SrtpReceiver : IDisposable
{
    /// <param name="profile">One of the three.</param>
    /// <param name="masterKey">Exactly <see cref="SrtpProfiles.KeyLength"/> bytes.</param>
    /// <param name="masterSalt">Exactly <see cref="SrtpProfiles.SaltLength"/> bytes.</param>
    /// <param name="maxStreams">SSRCs that this session may open, RTP and RTCP together.</param>
    public SrtpReceiver(SrtpProfile profile, ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt, int maxStreams = 1024) => throw new NotImplementedException();

    /// <summary>Opens an SRTP packet in place. On <see cref="DropReason.None"/> the RTP packet is the first <paramref name="length"/> bytes; else the bytes are spoilt.</summary>
    public DropReason UnprotectRtp(Span<byte> packet, out int length) => throw new NotImplementedException();

    /// <summary>Opens an SRTCP packet likewise.</summary>
    public DropReason UnprotectRtcp(Span<byte> packet, out int length) => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotImplementedException();
}
