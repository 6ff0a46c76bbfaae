using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orleans.Serialization;

namespace Orleans.Runtime.Networking;

/// <summary>Who is at one end of a connection: a silo's address, or a client's id.</summary>
internal readonly record struct PeerIdentity(string Name, bool IsSilo)
{
    public override string ToString() => Name;
}

/// <summary>The other side refused the connection.</summary>
internal sealed class ConnectionRefusedException(string message) : OrleansException(message);

/// <summary>
/// The first frames of a connection. The dialler says who it is and whom it wants; the dialled side answers the same with a
/// proof of the secret; the dialler proves it too. A proof is HMAC-SHA256 by the secret over both nonces, both names,
/// the cluster's id, and the side that makes it, so that no proof can be used twice or sent back.
/// </summary>
internal sealed class Handshake(string clusterId, string secret)
{
    /// <summary>Version of the frames. A side speaks with every lower version that it knows.</summary>
    public const int Protocol = 1;

    /// <summary>Time for all of it.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private const int MaxFrameLength = 4 * 1024;
    private const int NonceLength = 32;

    private readonly byte[] _secret = Encoding.UTF8.GetBytes(secret);

    /// <summary>The dialler's part. <paramref name="expected"/> is whom it wants, or null for whoever is there.</summary>
    public async Task<PeerIdentity> DialAsync(Stream stream, PeerIdentity local, string? expected, CancellationToken cancellationToken)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceLength);
        await WriteAsync(stream, FrameKind.Hello, new Hello(Protocol, clusterId, local.Name, local.IsSilo, expected ?? "", nonce, []), cancellationToken);
        var answer = await ReadAsync(stream, FrameKind.Hello, cancellationToken);
        Check(answer);
        var remote = new PeerIdentity(answer.Name, answer.IsSilo);
        if (!CryptographicOperations.FixedTimeEquals(answer.Proof, Prove("dialled", nonce, answer.Nonce, local.Name, answer.Name)))
        {
            throw new ConnectionRefusedException($"{remote} does not know the cluster's secret.");
        }

        await WriteAsync(stream, FrameKind.Proof, new Hello(Protocol, clusterId, local.Name, local.IsSilo, "", [], Prove("dialler", nonce, answer.Nonce, local.Name, answer.Name)), cancellationToken);
        await ReadAsync(stream, FrameKind.Welcome, cancellationToken);
        return remote;
    }

    /// <summary>The dialled side's part.</summary>
    public async Task<PeerIdentity> AcceptAsync(Stream stream, PeerIdentity local, bool wantsSilo, CancellationToken cancellationToken)
    {
        try
        {
            var hello = await ReadAsync(stream, FrameKind.Hello, cancellationToken);
            Check(hello);
            if (hello.IsSilo != wantsSilo)
            {
                throw new ConnectionRefusedException(wantsSilo ? "This port is for silos." : "This port is for clients.");
            }

            if (hello.Expected.Length > 0 && hello.Expected != local.Name)
            {
                throw new ConnectionRefusedException(string.Create(CultureInfo.InvariantCulture, $"This is {local}, not {hello.Expected}."));
            }

            var nonce = RandomNumberGenerator.GetBytes(NonceLength);
            await WriteAsync(
                stream,
                FrameKind.Hello,
                new Hello(Protocol, clusterId, local.Name, local.IsSilo, "", nonce, Prove("dialled", hello.Nonce, nonce, hello.Name, local.Name)),
                cancellationToken);
            var proof = await ReadAsync(stream, FrameKind.Proof, cancellationToken);
            if (!CryptographicOperations.FixedTimeEquals(proof.Proof, Prove("dialler", hello.Nonce, nonce, hello.Name, local.Name)))
            {
                throw new ConnectionRefusedException("The cluster's secret is another one.");
            }

            await WriteAsync(stream, FrameKind.Welcome, new Hello(Protocol, clusterId, local.Name, local.IsSilo, "", [], []), cancellationToken);
            return new PeerIdentity(hello.Name, hello.IsSilo);
        }
        catch (ConnectionRefusedException e)
        {
            await WriteAsync(stream, FrameKind.Refusal, new Hello(Protocol, clusterId, e.Message, local.IsSilo, "", [], []), cancellationToken);
            throw;
        }
    }

    private static async Task WriteAsync(Stream stream, FrameKind kind, Hello hello, CancellationToken cancellationToken)
    {
        var writer = FrameHeader.Begin();
        byte[] bytes;
        try
        {
            Codecs.Of<Hello>().Write(writer, 0, hello);
            new FrameHeader(kind, 0, 0, 0).End(writer);
            bytes = writer.ToArray();
        }
        finally
        {
            writer.Return();
        }

        await stream.WriteAsync(bytes, cancellationToken);
    }

    private static async Task<Hello> ReadAsync(Stream stream, FrameKind wanted, CancellationToken cancellationToken)
    {
        var length = new byte[FrameHeader.LengthLength];
        await stream.ReadExactlyAsync(length, cancellationToken);
        var count = BinaryPrimitives.ReadInt32LittleEndian(length);
        if (count is < FrameHeader.Length - FrameHeader.LengthLength or > MaxFrameLength)
        {
            throw new ConnectionRefusedException("The other side does not speak this protocol.");
        }

        var frame = new byte[count];
        await stream.ReadExactlyAsync(frame, cancellationToken);
        var kind = FrameHeader.Read(frame).Kind;
        var reader = new Reader(frame.AsMemory(FrameHeader.Length - FrameHeader.LengthLength));
        var hello = reader.TryReadHeader(out _, out var type) ? Codecs.Of<Hello>().Read(reader, type) : null;
        return kind switch
        {
            _ when hello is null => throw new ConnectionRefusedException("The other side does not speak this protocol."),
            FrameKind.Refusal => throw new ConnectionRefusedException(hello.Name),
            _ when kind == wanted => hello,
            _ => throw new ConnectionRefusedException($"The other side sent {kind} in place of {wanted}."),
        };
    }

    private void Check(Hello hello)
    {
        if (hello.Protocol < 1)
        {
            throw new ConnectionRefusedException($"Protocol {hello.Protocol} is not spoken here.");
        }

        if (hello.ClusterId != clusterId)
        {
            throw new ConnectionRefusedException($"This is cluster {clusterId}, not {hello.ClusterId}.");
        }
    }

    private byte[] Prove(string side, byte[] diallerNonce, byte[] dialledNonce, string dialler, string dialled)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _secret);
        hash.AppendData(diallerNonce);
        hash.AppendData(dialledNonce);
        hash.AppendData(Encoding.UTF8.GetBytes($"{side}\n{clusterId}\n{dialler}\n{dialled}"));
        return hash.GetHashAndReset();
    }
}

/// <summary>A frame of the handshake.</summary>
[GenerateSerializer, Immutable, Alias("sys.Hello")]
internal sealed record Hello(
    [property: Id(0)] int Protocol,
    [property: Id(1)] string ClusterId,
    [property: Id(2)] string Name,
    [property: Id(3)] bool IsSilo,
    [property: Id(4)] string Expected,
    [property: Id(5)] byte[] Nonce,
    [property: Id(6)] byte[] Proof);
