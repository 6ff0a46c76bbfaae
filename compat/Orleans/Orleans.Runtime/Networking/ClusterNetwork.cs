using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Orleans.Runtime.Networking;

/// <summary>Opens and accepts connections: the transport, TLS when there is a certificate, handshake.</summary>
internal sealed class ClusterNetwork
{
    /// <summary>Time to open a TCP connection; a machine that is gone does not refuse, it is silent.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Connections that may be in their handshake at a time: strangers cannot fill the memory.</summary>
    private const int MaxHandshakes = 256;

    /// <summary>Connections that the system keeps while this process does not come to accept them.</summary>
    private const int Backlog = 512;

    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);

    private readonly ClusterSecurityOptions _security;
    private readonly Handshake _handshake;
    private readonly CallRuntime _runtime;
    private readonly IClusterTransport _transport;
    private readonly INetworkFaults? _faults;
    private readonly SemaphoreSlim _handshakes = new(MaxHandshakes);

    public ClusterNetwork(CallRuntime runtime)
    {
        var security = runtime.Services.GetRequiredService<IOptions<ClusterSecurityOptions>>().Value;
        var clusterId = runtime.Services.GetRequiredService<IOptions<ClusterOptions>>().Value.ClusterId;
        _security = security;
        _handshake = new Handshake(clusterId, security.Secret);
        _runtime = runtime;
        _transport = runtime.Services.GetService<IClusterTransport>() ?? (security.Certificate is null ? SocketTransport.Direct : SocketTransport.Instance);
        _faults = runtime.Services.GetService<INetworkFaults>();
    }

    /// <summary>Opens a connection and starts to read it.</summary>
    public async Task<ClusterConnection> DialAsync(
        IPEndPoint endpoint, PeerIdentity local, string? expected, IConnectionEvents events, CancellationToken cancellationToken)
    {
        if (_faults?.IsCut(local.Name, expected ?? endpoint.ToString()) == true)
        {
            await Task.Delay(DialTimeout, _runtime.Time, cancellationToken);
            throw new IOException("The link is cut.");
        }

        Stream? stream = null;
        try
        {
            using var dialTimeout = new CancellationTokenSource(DialTimeout, _runtime.Time);
            using var dialTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, dialTimeout.Token);
            stream = await _transport.ConnectAsync(endpoint, dialTime.Token);
            var socket = (stream as NetworkStream)?.Socket;
            using var timeout = new CancellationTokenSource(Handshake.Timeout, _runtime.Time);
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            if (_security.Certificate is { } certificate)
            {
                var secure = new SslStream(stream);
                stream = secure;
                await secure.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        TargetHost = certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false),
                        ClientCertificates = [certificate],
                        RemoteCertificateValidationCallback = (_, remote, _, _) => IsTrusted(remote),
                    },
                    time.Token);
            }

            var remote = await _handshake.DialAsync(stream, local, expected, time.Token);
            return Start(stream, socket, local, remote, events);
        }
        catch (Exception e)
        {
            await DisposeAsync(stream);
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"{endpoint} did not answer in time.", e);
            }

            if (e is IOException && stream is not null)
            {
                // There is somebody, who has hung up: most often because he does not trust our certificate.
                throw new ConnectionRefusedException($"{endpoint} has ended the handshake: {e.Message}");
            }

            throw;
        }
    }

    /// <summary>Takes an endpoint; port 0 takes any that is free.</summary>
    public IClusterListener Bind(IPEndPoint endpoint) => _transport.Bind(endpoint);

    /// <summary>Listens until the token ends; each connection that passes the handshake is started and given to the callback.</summary>
    public void Listen(
        IClusterListener listener, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        listener.Listen(Backlog);
        _ = AcceptAllAsync(listener, local, forSilos, events, onConnection, cancellationToken);
    }

    private static ValueTask DisposeAsync(Stream? stream) => stream?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task AcceptAllAsync(
        IClusterListener listener, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        using (listener)
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                try
                {
                    var (stream, peer) = await listener.AcceptAsync(cancellationToken);
                    await _handshakes.WaitAsync(cancellationToken);
                    _ = AcceptAsync(stream, peer, local, forSilos, events, onConnection, cancellationToken);
                }
                catch (SocketException e) when (!cancellationToken.IsCancellationRequested)
                {
                    // The process has no file handle left, for instance: those who come meanwhile wait.
                    _runtime.Log.ConnectionRefused("an unknown peer", e.Message);
                    await Task.Delay(AcceptRetry, _runtime.Time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
                catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
                {
                    // The listener was closed.
                    return;
                }
            }
        }
    }

    private async Task AcceptAsync(
        Stream stream, string peer, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        var socket = (stream as NetworkStream)?.Socket;
        try
        {
            using var timeout = new CancellationTokenSource(Handshake.Timeout, _runtime.Time);
            using var time = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            if (_security.Certificate is { } certificate)
            {
                var secure = new SslStream(stream);
                stream = secure;
                await secure.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions
                    {
                        ServerCertificate = certificate,
                        ClientCertificateRequired = true,
                        RemoteCertificateValidationCallback = (_, remote, _, _) => IsTrusted(remote),
                    },
                    time.Token);
            }

            var remote = await _handshake.AcceptAsync(stream, local, forSilos, time.Token);
            onConnection(Start(stream, socket, local, remote, events));
        }
        catch (Exception e) when (e is IOException or OrleansException or OperationCanceledException or AuthenticationException or SocketException or ObjectDisposedException)
        {
            _runtime.Log.ConnectionRefused(peer, e.Message);
            await DisposeAsync(stream);
        }
        finally
        {
            _handshakes.Release();
        }
    }

    private ClusterConnection Start(Stream stream, Socket? socket, PeerIdentity local, PeerIdentity remote, IConnectionEvents events)
    {
        var connection = new ClusterConnection(stream, local, remote, _runtime, events, _faults, socket);
        connection.Start();
        return connection;
    }

    /// <summary>A peer's certificate is trusted when it is ours, or when one of the configured authorities issued it.</summary>
    private bool IsTrusted(X509Certificate? remote)
    {
        if (remote is not X509Certificate2 certificate)
        {
            return false;
        }

        if (_security.TrustedAuthorities is not { Count: > 0 } authorities)
        {
            return certificate.Thumbprint == _security.Certificate!.Thumbprint;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
