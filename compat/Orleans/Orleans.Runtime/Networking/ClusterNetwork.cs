using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Orleans.Configuration;

namespace Orleans.Runtime.Networking;

/// <summary>Opens and accepts connections: TCP, TLS when there is a certificate, handshake.</summary>
internal sealed class ClusterNetwork
{
    /// <summary>Time to open a TCP connection; a machine that is gone does not refuse, it is silent.</summary>
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Connections that may be in their handshake at a time: strangers cannot fill the memory.</summary>
    private const int MaxHandshakes = 256;

    private readonly ClusterSecurityOptions _security;
    private readonly Handshake _handshake;
    private readonly CallRuntime _runtime;
    private readonly INetworkFaults? _faults;
    private readonly SemaphoreSlim _handshakes = new(MaxHandshakes);

    public ClusterNetwork(string clusterId, ClusterSecurityOptions security, CallRuntime runtime, INetworkFaults? faults)
    {
        _security = security;
        _handshake = new Handshake(clusterId, security.Secret);
        _runtime = runtime;
        _faults = faults;
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

        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            using var dialTimeout = new CancellationTokenSource(DialTimeout, _runtime.Time);
            using var dialTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, dialTimeout.Token);
            await socket.ConnectAsync(endpoint, dialTime.Token);
            stream = new NetworkStream(socket, ownsSocket: true);
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
            return Start(stream, local, remote, events);
        }
        catch (Exception e)
        {
            await DisposeAsync(stream, socket);
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"{endpoint} did not answer in time.", e);
            }

            throw;
        }
    }

    /// <summary>Listens until the token ends; each connection that passes the handshake is started and given to the callback.</summary>
    public void Listen(Socket listener, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        listener.Listen(512);
        _ = AcceptAllAsync(listener, local, forSilos, events, onConnection, cancellationToken);
    }

    /// <summary>A socket at the endpoint; port 0 takes any that is free.</summary>
    public static Socket Bind(IPEndPoint endpoint)
    {
        var listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(endpoint);
        return listener;
    }

    private static async ValueTask DisposeAsync(Stream? stream, Socket socket)
    {
        if (stream is not null)
        {
            await stream.DisposeAsync();
        }

        socket.Dispose();
    }

    private async Task AcceptAllAsync(
        Socket listener, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(cancellationToken);
                await _handshakes.WaitAsync(cancellationToken);
                _ = AcceptAsync(socket, local, forSilos, events, onConnection, cancellationToken);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The listener was closed.
            listener.Dispose();
        }
    }

    private async Task AcceptAsync(
        Socket socket, PeerIdentity local, bool forSilos, IConnectionEvents events, Action<ClusterConnection> onConnection, CancellationToken cancellationToken)
    {
        Stream? stream = null;
        var peer = "an unknown peer";
        try
        {
            peer = socket.RemoteEndPoint?.ToString() ?? peer;
            socket.NoDelay = true;
            stream = new NetworkStream(socket, ownsSocket: true);
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
            onConnection(Start(stream, local, remote, events));
        }
        catch (Exception e) when (e is IOException or OrleansException or OperationCanceledException or AuthenticationException or SocketException or ObjectDisposedException)
        {
            _runtime.Log.ConnectionRefused(peer, e.Message);
            await DisposeAsync(stream, socket);
        }
        finally
        {
            _handshakes.Release();
        }
    }

    private ClusterConnection Start(Stream stream, PeerIdentity local, PeerIdentity remote, IConnectionEvents events)
    {
        var connection = new ClusterConnection(stream, local, remote, _runtime, events, _faults);
        _ = connection.RunAsync();
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
