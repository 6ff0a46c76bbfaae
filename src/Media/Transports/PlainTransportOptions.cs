namespace VoiceCluster.Media.Transports;

/// <summary>How a plain transport speaks: mediasoup's PlainTransportOptions.</summary>
public sealed record PlainTransportOptions
{
    /// <summary>RTP and RTCP at one port (RFC 5761). Default true.</summary>
    public bool RtcpMux { get; init; } = true;

    /// <summary>The other end is where the first valid packet comes from, not where <see cref="PlainTransport.Connect"/> says. Default false.</summary>
    public bool Comedia { get; init; }

    /// <summary>The suite of <see cref="Srtp.SrtpParameters"/> that protects the media; null, the default, for RTP in the clear.</summary>
    public string? SrtpCryptoSuite { get; init; }
}

/// <summary>Where the other end of a plain transport is and how it protects its media: mediasoup's parameters of <c>connect</c>.</summary>
/// <param name="Remote">Where RTP goes; null with comedia.</param>
/// <param name="RemoteRtcp">Where RTCP goes; null with comedia or one port for both.</param>
/// <param name="SrtpParameters">The key with which the other end sends; null for RTP in the clear.</param>
public sealed record PlainConnectOptions(Net.TransportAddress? Remote, Net.TransportAddress? RemoteRtcp, Srtp.SrtpParameters? SrtpParameters);
