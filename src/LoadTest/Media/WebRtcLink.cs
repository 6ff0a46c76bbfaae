using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.LoadTest.Media;

/// <summary>A link as a browser has it: ICE, DTLS, SRTP.</summary>
internal sealed class WebRtcLink : MediaLink, IDatagramSink, IWebRtcClientListener
{
    private readonly WebRtcClient _client;
    private readonly TaskCompletionSource<long> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _begun = MediaLoop.Now;

    /// <summary>Opens a socket towards the transport that the server has described.</summary>
    public WebRtcLink(MediaLoop loop, DtlsContext certificate, RemoteTransport remote, IceCredentials? own = null)
        : base(loop, remote.Address) =>
        _client = new WebRtcClient(certificate, remote, this, this, _begun, local: own);

    /// <inheritdoc/>
    public override bool IsConnected => _client.IsConnected;

    /// <summary>Microseconds from its making to the end of the DTLS handshake.</summary>
    public Task<long> Connected => _connected.Task;

    /// <summary>mediasoup's dtlsParameters for connect-transport.</summary>
    public string DtlsParametersJson =>
        $$"""{"role":"client","fingerprints":[{"algorithm":"{{_client.DtlsParameters.Fingerprint.Algorithm}}","value":"{{_client.DtlsParameters.Fingerprint.Value}}"}]}""";

    /// <inheritdoc/>
    protected override long PacketsRefused => _client.PacketsRefused;

    /// <inheritdoc/>
    public Span<byte> Rent() => SendBuffer;

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination) => SendDatagram(length);

    /// <inheritdoc/>
    public void OnDtls(DtlsEventKind kind)
    {
        if (kind == DtlsEventKind.Connected)
        {
            _connected.TrySetResult(MediaLoop.Now - _begun);
        }
        else
        {
            _connected.TrySetException(new IOException($"DTLS did not stay connected: {kind}."));
        }
    }

    /// <inheritdoc/>
    protected override long AdvanceProtocol(long now) => _client.Advance(now);

    /// <inheritdoc/>
    protected override void Receive(Span<byte> datagram, long now) => _client.Receive(datagram, Server, now);

    /// <inheritdoc/>
    protected override bool TrySendRtp(ReadOnlySpan<byte> packet) => _client.SendRtp(packet);

    /// <inheritdoc/>
    protected override bool TrySendRtcp(ReadOnlySpan<byte> packet) => _client.SendRtcp(packet);

    /// <inheritdoc/>
    protected override void CloseProtocol()
    {
        _client.Close();
        _client.Dispose();
        _connected.TrySetException(new ObjectDisposedException(nameof(WebRtcLink)));
        _ = _connected.Task.Exception;
    }
}
