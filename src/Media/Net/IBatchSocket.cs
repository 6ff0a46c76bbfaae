using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Media.Net;

/// <summary>
/// A bound UDP port that receives and sends in batches. One thread uses it; only <see cref="Wake"/> is for others.
/// What is sent is queued until <see cref="Flush"/>, or until the batch is full.
/// </summary>
public interface IBatchSocket : IDatagramSink, IDisposable
{
    /// <summary>Datagrams that are received at once.</summary>
    const int BatchSize = 64;

    /// <summary>The address bound, with the port that the system chose when 0 was asked for.</summary>
    IPEndPoint LocalEndPoint { get; }

    /// <summary>Bytes of the receive buffer that the system gave.</summary>
    int ReceiveBufferSize { get; }

    /// <summary>Datagrams that the kernel dropped because nobody read them in time (SO_RXQ_OVFL); 0 where it does not say.</summary>
    long ReceiveQueueOverflows { get; }

    /// <summary>Datagrams that the system did not take.</summary>
    long SendFailures { get; }

    /// <summary>Messages handed to the system: one may carry several datagrams for one receiver.</summary>
    long SendMessages { get; }

    /// <summary>Whether something is queued.</summary>
    bool HasQueued { get; }

    /// <summary>Blocks until a datagram is there, <see cref="Wake"/> is called, or the time is over.</summary>
    void Wait(long timeoutMicroseconds);

    /// <summary>Datagrams at another socket of this kind end a <see cref="Wait"/> as well, for one thread that serves both.</summary>
    void WaitAlsoFor(IBatchSocket other);

    /// <summary>Likewise datagrams at any other socket; <see cref="TryTakeReady"/> then gives its token, 0 or more.</summary>
    void WaitAlsoFor(Socket other, int token);

    /// <summary>Takes a socket out again, before it is closed.</summary>
    void WaitNoMoreFor(Socket other);

    /// <summary>The token of a socket that was seen to have datagrams by a <see cref="Wait"/>, each once a wait; some may come with the next.</summary>
    bool TryTakeReady(out int token);

    /// <summary>Sleeps for so long although datagrams may be there; <see cref="Wake"/> ends it. Not at all where the system has no short sleep.</summary>
    void Pause(long microseconds);

    /// <summary>Takes up to <see cref="BatchSize"/> datagrams without blocking; returns how many.</summary>
    int ReceiveBatch();

    /// <summary>A datagram of the last batch, valid until the next; it may be modified.</summary>
    Span<byte> Datagram(int index, out TransportAddress from);

    /// <summary>Hands everything queued to the system.</summary>
    void Flush();

    /// <summary>The same, and says whether from now on as much as there is room for may be queued before it is sent unasked.</summary>
    void FlushAndGather(bool gather);

    /// <summary>Ends a present or the next <see cref="Wait"/>.</summary>
    void Wake();
}
