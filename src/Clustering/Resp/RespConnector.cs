using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace VoiceCluster.Clustering.Resp;

/// <summary>Makes a connection that is ready for commands: TCP, TLS, login, database.</summary>
internal static class RespConnector
{
    public static async Task<RespConnection> ConnectAsync(
        RedisAddress address, RespClientOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var stream = await OpenAsync(address, options, either.Token).ConfigureAwait(false);
            var connection = new RespConnection(stream, options.MaxPendingCommands);
            try
            {
                await LogInAsync(connection, address, options, either.Token).ConfigureAwait(false);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                string.Create(CultureInfo.InvariantCulture, $"It took more than {options.ConnectTimeout.TotalSeconds:0.###} s to connect."), e);
        }
    }

    private static async Task<Stream> OpenAsync(RedisAddress address, RespClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (address.UseTls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(TlsOptions(address, options), cancellationToken).ConfigureAwait(false);
            }

            return stream;
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            throw;
        }
    }

    private static SslClientAuthenticationOptions TlsOptions(RedisAddress address, RespClientOptions options)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = address.TlsHost };
        if (options.ClientCertificate is { } certificate)
        {
            tls.ClientCertificates = [certificate];
        }

        if (options.TrustedCertificates is { Count: > 0 } trusted)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(trusted);
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }

    /// <summary>
    /// HELLO asks for RESP3 and logs in at once. A server before Redis 6 does not know it; then RESP2 goes on with AUTH.
    /// </summary>
    private static async Task LogInAsync(RespConnection connection, RedisAddress address, RespClientOptions options, CancellationToken cancellationToken)
    {
        string[] hello = address.Password is null
            ? ["HELLO", "3", "SETNAME", options.ClientName]
            : ["HELLO", "3", "AUTH", address.User ?? "default", address.Password, "SETNAME", options.ClientName];
        var reply = await connection.SendAsync(hello).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (reply.Kind == RespKind.Error && (reply.Text.StartsWith("ERR unknown command", StringComparison.Ordinal) || reply.Text.StartsWith("NOPROTO", StringComparison.Ordinal)))
        {
            if (address.Password is not null)
            {
                await RequireAsync(address.User is null ? ["AUTH", address.Password] : ["AUTH", address.User, address.Password]).ConfigureAwait(false);
            }

            await RequireAsync("CLIENT", "SETNAME", options.ClientName).ConfigureAwait(false);
        }
        else
        {
            Require(reply);
        }

        if (address.Database != 0)
        {
            await RequireAsync("SELECT", address.Database.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        }

        async Task RequireAsync(params string[] command) =>
            Require(await connection.SendAsync(command).WaitAsync(cancellationToken).ConfigureAwait(false));

        static void Require(RespValue answer)
        {
            if (answer.Kind == RespKind.Error)
            {
                throw new RespException($"Redis lets nobody in: {answer.Text}", false);
            }
        }
    }
}
