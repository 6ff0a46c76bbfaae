namespace VoiceCluster.Media.Net;

/// <summary>
/// Where a worker's outgoing datagrams go. The I/O loop implements it over its send batch, tests over a list.
/// One thread only. Usage: <see cref="Rent"/>, write, then either <see cref="Send"/> or nothing (the buffer is reused).
/// </summary>
public interface IDatagramSink
{
    /// <summary>A buffer of <see cref="Datagram.MaxSize"/> bytes, valid until the next call of either method.</summary>
    Span<byte> Rent();

    /// <summary>Queues the first <paramref name="length"/> bytes of the rented buffer for <paramref name="destination"/>.</summary>
    void Send(int length, in TransportAddress destination);

    /// <summary>The number of the batch in which what is sent now waits, so that datagrams of one length for one receiver leave as one message; 0 where each leaves by itself.</summary>
    long Batch => 0;
}

/// <summary>Sizes of datagrams.</summary>
public static class Datagram
{
    /// <summary>Bytes of the largest datagram handled: an Ethernet MTU of 1,500 and room for SRTP's tag and header extensions.</summary>
    public const int MaxSize = 2048;
}
