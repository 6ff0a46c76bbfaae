using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace VoiceCluster.Events.Nats;

/// <summary>Connections over TCP and TLS in NATS' own protocol; docs/adr/0004 says why not by a package.</summary>
internal sealed class NatsConnector(TimeProvider time) : INatsConnector
{
    /// <inheritdoc/>
    public async Task<INatsLink> ConnectAsync(IReadOnlyList<NatsServer> servers, EventsOptions options, CancellationToken cancellationToken)
    {
        var errors = new List<string>(servers.Count);
        foreach (var server in servers)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(options.ConnectTimeout);
            try
            {
                return await ConnectAsync(server, options, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                errors.Add($"{server} does not answer");
            }
            catch (Exception e) when (e is SocketException or IOException or AuthenticationException or NatsLinkException)
            {
                errors.Add($"{server}: {e.Message}");
            }
        }

        throw new NatsLinkException(string.Join("; ", errors));
    }

    private async Task<INatsLink> ConnectAsync(NatsServer server, EventsOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(server.Url.IdnHost, server.Url.Port, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);

            // The server speaks first, in the clear; nothing may stand behind its greeting before it is answered.
            var greeting = await ReadGreetingAsync(stream, cancellationToken).ConfigureAwait(false);
            var isTls = server.IsTls || greeting.TlsRequired;
            if (isTls)
            {
                if (!greeting.TlsRequired && !greeting.TlsAvailable)
                {
                    throw new NatsLinkException("The server does not speak TLS.");
                }

                stream = await EncryptAsync(stream, server, options, cancellationToken).ConfigureAwait(false);
            }

            var hello = new ArrayBufferWriter<byte>();
            NatsWriter.Connect(hello, server.Url.UserInfo, isTls);
            NatsWriter.Ping(hello);
            await stream.WriteAsync(hello.WrittenMemory, cancellationToken).ConfigureAwait(false);

            // Whoever is not let in gets an error in place of the pong.
            var input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
            await AwaitPongAsync(input, cancellationToken).ConfigureAwait(false);
            return NatsTcpLink.Start(stream, input, greeting, time);
        }
        catch (Exception)
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            throw;
        }
    }

    private static async Task<NatsGreeting> ReadGreetingAsync(Stream stream, CancellationToken cancellationToken)
    {
        // Byte by byte: what TLS says next must stay in the stream.
        var line = new byte[NatsParser.MaxLine];
        for (var length = 0; length < line.Length; length++)
        {
            if (await stream.ReadAsync(line.AsMemory(length, 1), cancellationToken).ConfigureAwait(false) == 0)
            {
                throw new NatsLinkException("The server closed the connection at once.");
            }

            if (line[length] == '\n')
            {
                var buffer = new ReadOnlySequence<byte>(line, 0, length + 1);
                return NatsParser.Read(ref buffer) switch
                {
                    { Kind: NatsFrameKind.Info } info when NatsGreeting.TryParse(info.Text, out var greeting) => greeting,
                    { Kind: NatsFrameKind.Error } error => throw new NatsLinkException(error.Text),
                    _ => throw new NatsLinkException("This is no NATS server."),
                };
            }
        }

        throw new NatsLinkException("This is no NATS server.");
    }

    private static async Task AwaitPongAsync(PipeReader input, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = result.Buffer;
            var frame = NatsParser.Read(ref buffer);
            while (frame.Kind is NatsFrameKind.Ok or NatsFrameKind.Info)
            {
                frame = NatsParser.Read(ref buffer);
            }

            input.AdvanceTo(buffer.Start, frame.Kind == NatsFrameKind.Incomplete ? buffer.End : buffer.Start);
            switch (frame.Kind)
            {
                case NatsFrameKind.Pong:
                    return;
                case NatsFrameKind.Error:
                    throw new NatsLinkException(frame.Text);
                case NatsFrameKind.Incomplete when !result.IsCompleted:
                    break;
                default:
                    throw new NatsLinkException("The server does not let us in.");
            }
        }
    }

    private static async Task<SslStream> EncryptAsync(Stream stream, NatsServer server, EventsOptions options, CancellationToken cancellationToken)
    {
        var tls = new SslStream(stream);
        var settings = new SslClientAuthenticationOptions { TargetHost = server.Url.IdnHost };
        if (options.CaFile.Length > 0)
        {
            settings.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            settings.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(options.CaFile);
        }

        try
        {
            await tls.AuthenticateAsClientAsync(settings, cancellationToken).ConfigureAwait(false);
            return tls;
        }
        catch (Exception)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}

/// <summary>What a server says of itself in INFO.</summary>
internal sealed record NatsGreeting(bool TlsRequired, bool TlsAvailable, bool Headers, long MaxPayload)
{
    /// <summary>max_payload of a server that does not name it.</summary>
    private const long DefaultMaxPayload = 1024 * 1024;

    /// <summary>Reads the JSON of INFO.</summary>
    public static bool TryParse(string json, out NatsGreeting greeting)
    {
        greeting = new NatsGreeting(false, false, false, DefaultMaxPayload);
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            bool Flag(string name) => root.TryGetProperty(name, out var flag) && flag.ValueKind == JsonValueKind.True;
            var max = root.TryGetProperty("max_payload", out var payload) && payload.TryGetInt64(out var bytes) && bytes > 0 ? bytes : DefaultMaxPayload;
            greeting = new NatsGreeting(Flag("tls_required"), Flag("tls_available"), Flag("headers"), max);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
