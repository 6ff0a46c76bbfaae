using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>What a STUN or TURN server answered.</summary>
/// <param name="Fault">What is wrong, or null.</param>
/// <param name="Address">The address that the server sees, or has allocated.</param>
internal sealed record TurnResult(string? Fault, IPEndPoint? Address);

/// <summary>
/// Asks one server over UDP: for a binding (RFC 8489 §3), or for an allocation with a name and a password (RFC 8656 §7), which is
/// given back at once. It is a client for a look; media never goes through it.
/// </summary>
internal sealed class TurnClient(IPEndPoint server) : IDisposable
{
    private const ushort Binding = 0x0001;
    private const ushort Allocate = 0x0003;
    private const ushort Refresh = 0x0004;
    private const ushort SuccessBits = 0x0100;
    private const ushort ErrorBits = 0x0110;

    // RFC 8489 §18.3 and RFC 8656 §18.
    private const ushort Username = 0x0006;
    private const ushort MessageIntegrity = 0x0008;
    private const ushort ErrorCode = 0x0009;
    private const ushort Lifetime = 0x000D;
    private const ushort Realm = 0x0014;
    private const ushort Nonce = 0x0015;
    private const ushort XorRelayedAddress = 0x0016;
    private const ushort RequestedTransport = 0x0019;
    private const ushort XorMappedAddress = 0x0020;

    private const uint MagicCookie = 0x2112A442;
    private const int HeaderSize = 20;
    private const byte UdpProtocol = 17;
    private const int Unauthorized = 401;

    /// <summary>RFC 8489 §6.2.1: a request that may be lost is repeated; three times will do for a look.</summary>
    private static readonly TimeSpan[] Waits = [TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.5)];

    private readonly UdpClient _udp = new(server.AddressFamily);

    /// <summary>The address that the server sees this machine at.</summary>
    public async Task<TurnResult> BindAsync()
    {
        var answer = await AskAsync(new Request(Binding)).ConfigureAwait(false);
        return answer is null ? NoAnswer() : new TurnResult(null, answer.AddressOf(XorMappedAddress));
    }

    /// <summary>Allocates with long-term credentials (RFC 8489 §9.2), and gives the allocation back.</summary>
    public async Task<TurnResult> AllocateAsync(string username, string password)
    {
        var asked = await AskAsync(Allocation()).ConfigureAwait(false);
        if (asked is null)
        {
            return NoAnswer();
        }

        if (asked.Find(Realm) is not { } realm || asked.Find(Nonce) is not { } nonce || asked.Code != Unauthorized)
        {
            return new TurnResult(
                asked.IsSuccess ? "it gives allocations to everybody, without a password" : $"it answered error {asked.Code} where it should ask for a password", null);
        }

        // RFC 8489 §9.2.2: the key is MD5(username ":" realm ":" password).
        var key = MD5.HashData(Encoding.UTF8.GetBytes($"{username}:{Encoding.UTF8.GetString(realm)}:{password}"));
        var allocated = await AskAsync(Sign(Allocation(), username, realm, nonce, key)).ConfigureAwait(false);
        if (allocated is null)
        {
            return NoAnswer();
        }

        if (!allocated.IsSuccess)
        {
            return new TurnResult(
                allocated.Code == Unauthorized ? "it does not take the name and password (error 401)" : $"it refuses an allocation with error {allocated.Code}", null);
        }

        var refresh = new Request(Refresh);
        refresh.Add(Lifetime, new byte[4]);
        await AskAsync(Sign(refresh, username, realm, nonce, key)).ConfigureAwait(false);
        return new TurnResult(null, allocated.AddressOf(XorRelayedAddress));
    }

    public void Dispose() => _udp.Dispose();

    private static TurnResult NoAnswer() => new("it does not answer over UDP", null);

    private static Request Allocation()
    {
        var request = new Request(Allocate);
        request.Add(RequestedTransport, [UdpProtocol, 0, 0, 0]);
        return request;
    }

    private static Request Sign(Request request, string username, byte[] realm, byte[] nonce, byte[] key)
    {
        request.Add(Username, Encoding.UTF8.GetBytes(username));
        request.Add(Realm, realm);
        request.Add(Nonce, nonce);
        request.Sign(key);
        return request;
    }

    private async Task<Answer?> AskAsync(Request request)
    {
        foreach (var wait in Waits)
        {
            using CancellationTokenSource deadline = new(wait);
            try
            {
                await _udp.SendAsync(request.Bytes, server, deadline.Token).ConfigureAwait(false);
                while (true)
                {
                    var received = await _udp.ReceiveAsync(deadline.Token).ConfigureAwait(false);
                    if (Answer.TryRead(received.Buffer, request, out var answer))
                    {
                        return answer;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                continue;
            }
            catch (SocketException)
            {
                // A port that is closed says so at once (ICMP), and will say so again.
                return null;
            }
        }

        return null;
    }

    /// <summary>A request as it is built up.</summary>
    private sealed class Request
    {
        private readonly List<byte> _bytes = [];

        public Request(ushort method)
        {
            Method = method;
            Span<byte> header = stackalloc byte[HeaderSize];
            BinaryPrimitives.WriteUInt16BigEndian(header, method);
            BinaryPrimitives.WriteUInt32BigEndian(header[4..], MagicCookie);
            RandomNumberGenerator.Fill(header[8..]);
            _bytes.AddRange(header);
        }

        public ushort Method { get; }

        public byte[] Bytes => [.. _bytes];

        public ReadOnlySpan<byte> Transaction => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes).Slice(8, 12);

        public void Add(ushort type, ReadOnlySpan<byte> value)
        {
            Span<byte> head = stackalloc byte[4];
            BinaryPrimitives.WriteUInt16BigEndian(head, type);
            BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)value.Length);
            _bytes.AddRange(head);
            _bytes.AddRange(value);
            while (_bytes.Count % 4 != 0)
            {
                _bytes.Add(0);
            }

            WriteLength(_bytes.Count - HeaderSize);
        }

        /// <summary>RFC 8489 §14.5: the HMAC is over a header whose length counts the attribute itself.</summary>
        public void Sign(byte[] key)
        {
            WriteLength(_bytes.Count - HeaderSize + 24);
            Add(MessageIntegrity, HMACSHA1.HashData(key, Bytes));
        }

        private void WriteLength(int length)
            => BinaryPrimitives.WriteUInt16BigEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes)[2..], (ushort)length);
    }

    /// <summary>An answer to a request of ours. It came over the network: nothing in it is trusted.</summary>
    private sealed class Answer
    {
        private readonly Dictionary<ushort, byte[]> _attributes = [];

        private Answer(bool isSuccess) => IsSuccess = isSuccess;

        public bool IsSuccess { get; }

        public int Code => Find(ErrorCode) is { Length: >= 4 } value ? (value[2] * 100) + value[3] : 0;

        public static bool TryRead(ReadOnlySpan<byte> datagram, Request request, out Answer answer)
        {
            answer = null!;
            if (datagram.Length < HeaderSize || !datagram.Slice(8, 12).SequenceEqual(request.Transaction)
                || BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]) != MagicCookie)
            {
                return false;
            }

            var type = BinaryPrimitives.ReadUInt16BigEndian(datagram);
            if (type != (request.Method | SuccessBits) && type != (request.Method | ErrorBits))
            {
                return false;
            }

            answer = new Answer(type == (request.Method | SuccessBits));
            for (var rest = datagram[HeaderSize..]; rest.Length >= 4;)
            {
                int size = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
                if (rest.Length < 4 + size)
                {
                    return false;
                }

                answer._attributes.TryAdd(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Slice(4, size).ToArray());
                rest = rest[Math.Min(rest.Length, 4 + ((size + 3) & ~3))..];
            }

            return true;
        }

        public byte[]? Find(ushort type) => _attributes.GetValueOrDefault(type);

        /// <summary>RFC 8489 §14.2. IPv6 is masked with the transaction as well, and not shown here.</summary>
        public IPEndPoint? AddressOf(ushort type) => Find(type) is { Length: >= 8 } value && value[1] == 1
            ? new IPEndPoint(
                new IPAddress(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(BinaryPrimitives.ReadUInt32BigEndian(value.AsSpan(4)) ^ MagicCookie))),
                BinaryPrimitives.ReadUInt16BigEndian(value.AsSpan(2)) ^ (int)(MagicCookie >> 16))
            : null;
    }
}
