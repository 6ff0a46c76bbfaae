using System.Buffers.Binary;

namespace VoiceCluster.Media.Dtls;

/// <summary>Content types of a DTLS record (RFC 6347 §4.1, RFC 5246 §6.2.1).</summary>
internal enum DtlsContentType : byte
{
    ChangeCipherSpec = 20,
    Alert = 21,
    Handshake = 22,
    ApplicationData = 23,
}

/// <summary>One record of a datagram, header included.</summary>
internal readonly ref struct DtlsRecord(ReadOnlySpan<byte> bytes)
{
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    public DtlsContentType Type => (DtlsContentType)Bytes[0];

    public ushort Epoch => BinaryPrimitives.ReadUInt16BigEndian(Bytes[3..]);

    public ReadOnlySpan<byte> Body => Bytes[DtlsRecords.HeaderSize..];
}

/// <summary>
/// Splits datagrams into records, and checks what can be checked of plaintext handshake fragments
/// before anything else sees them or allocates for them.
/// </summary>
internal static class DtlsRecords
{
    /// <summary>Type, version, epoch, sequence number, length (RFC 6347 §4.1).</summary>
    public const int HeaderSize = 13;

    /// <summary>Type, length, message sequence, fragment offset, fragment length (RFC 6347 §4.2.2).</summary>
    public const int FragmentHeaderSize = 12;

    /// <summary>Bytes of the longest handshake message taken. A ClientHello with a post-quantum share has under 2,000.</summary>
    public const int MaxMessage = 64 * 1024;

    /// <summary>RFC 6347 §4.1: 2^14 of plaintext, and 2^11 more when encrypted and compressed.</summary>
    private const int MaxBody = (1 << 14) + 2048;

    private const byte ClientHello = 1;

    /// <summary>Whether a datagram is DTLS by its first byte (RFC 7983 §7).</summary>
    public static bool IsDtls(ReadOnlySpan<byte> datagram) => datagram.Length >= HeaderSize && datagram[0] is >= 20 and <= 63;

    /// <summary>Takes the next record off <paramref name="rest"/>. False at its end and at anything that is no whole record.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> rest, out DtlsRecord record)
    {
        record = default;
        if (rest.Length < HeaderSize)
        {
            return false;
        }

        // RFC 6347 §4.1: versions 1.0 (which a first ClientHello carries) and 1.2.
        var version = BinaryPrimitives.ReadUInt16BigEndian(rest[1..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(rest[11..]);
        if (rest[0] is < 20 or > 23 || version is not (0xFEFF or 0xFEFD) || length > MaxBody || HeaderSize + length > rest.Length)
        {
            return false;
        }

        record = new DtlsRecord(rest[..(HeaderSize + length)]);
        rest = rest[(HeaderSize + length)..];
        return true;
    }

    /// <summary>
    /// Whether every handshake fragment in a plaintext body is consistent: it fits its record, lies within its message
    /// (RFC 6347 §4.2.3), and the message is of bearable size.
    /// </summary>
    public static bool AreFragmentsSound(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return false;
        }

        while (!body.IsEmpty)
        {
            if (body.Length < FragmentHeaderSize)
            {
                return false;
            }

            var total = ReadUInt24(body[1..]);
            var offset = ReadUInt24(body[6..]);
            var length = ReadUInt24(body[9..]);
            if (total > MaxMessage || offset + length > total || length > body.Length - FragmentHeaderSize)
            {
                return false;
            }

            body = body[(FragmentHeaderSize + length)..];
        }

        return true;
    }

    /// <summary>The random of a ClientHello that begins a handshake (message 0) and whose first fragment this sound body has.</summary>
    public static bool TryGetClientRandom(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> random)
    {
        random = default;
        if (body.Length < FragmentHeaderSize + 34
            || body[0] != ClientHello
            || BinaryPrimitives.ReadUInt16BigEndian(body[4..]) != 0
            || ReadUInt24(body[6..]) != 0
            || ReadUInt24(body[9..]) < 34)
        {
            return false;
        }

        // RFC 5246 §7.4.1.2: two bytes of version, then 32 of random.
        random = body.Slice(FragmentHeaderSize + 2, 32);
        return true;
    }

    /// <summary>How many bytes of a stream of whole records fit one datagram; the first always goes.</summary>
    public static int FitDatagram(ReadOnlySpan<byte> records, int limit)
    {
        var rest = records;
        var length = 0;
        while (TryTake(ref rest, out var record) && (length == 0 || length + record.Bytes.Length <= limit))
        {
            length += record.Bytes.Length;
        }

        return length;
    }

    private static int ReadUInt24(ReadOnlySpan<byte> bytes) => (bytes[0] << 16) | (bytes[1] << 8) | bytes[2];
}
