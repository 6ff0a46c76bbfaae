using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace VoiceCluster.Bench.Churn;

/// <summary>
/// Makes another .NET process collect its whole heap, as dotnet-gcdump does: an EventPipe session whose keyword GCHeapCollect
/// induces one collection. Without it, memory after a run says only how long ago the last collection was.
/// The protocol is in the runtime's documents, diagnostics/ipc-protocol.md.
/// </summary>
internal static class HeapCollection
{
    private const byte EventPipe = 0x02;
    private const byte StopTracing = 0x01;
    private const byte CollectTracing = 0x02;
    private const ulong GCHeapCollect = 0x800000;
    private const uint Informational = 4;
    private const uint NetTrace = 1;
    private static readonly byte[] Magic = "DOTNET_IPC_V1\0"u8.ToArray();
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static async Task RunAsync(int processId)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        using var session = await ConnectAsync(processId, deadline.Token);
        await SendAsync(session, CollectTracing, Request(), deadline.Token);
        var sessionId = await ReadAnswerAsync(session, deadline.Token);

        // The collection ran before the session's answer; the stream is read to its end so that the process can end it.
        var draining = session.CopyToAsync(Stream.Null, deadline.Token);
        using (var control = await ConnectAsync(processId, deadline.Token))
        {
            var payload = new byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(payload, sessionId);
            await SendAsync(control, StopTracing, payload, deadline.Token);
            await ReadAnswerAsync(control, deadline.Token);
        }

        await draining;
    }

    private static async Task<NetworkStream> ConnectAsync(int processId, CancellationToken cancellationToken)
    {
        var pattern = string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{processId}-*-socket");

        // A killed process leaves its socket behind, and numbers come again.
        var path = Directory.GetFiles(Path.GetTempPath(), pattern).MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new FileNotFoundException($"Process {processId} has no diagnostic socket.");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static byte[] Request()
    {
        using var payload = new MemoryStream();
        using (var writer = new BinaryWriter(payload, Encoding.Unicode))
        {
            writer.Write(1u); // MB of the circular buffer
            writer.Write(NetTrace);
            writer.Write(1u); // providers
            writer.Write(GCHeapCollect);
            writer.Write(Informational);
            WriteText(writer, "Microsoft-Windows-DotNETRuntime");
            WriteText(writer, "");
        }

        return payload.ToArray();
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        writer.Write(text.Length + 1);
        writer.Write(Encoding.Unicode.GetBytes(text + '\0'));
    }

    private static async Task SendAsync(NetworkStream stream, byte command, byte[] payload, CancellationToken cancellationToken)
    {
        var message = new byte[20 + payload.Length];
        Magic.CopyTo(message, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
        message[16] = EventPipe;
        message[17] = command;
        payload.CopyTo(message, 20);
        await stream.WriteAsync(message, cancellationToken);
    }

    /// <summary>The session's number; throws when the process refused.</summary>
    private static async Task<ulong> ReadAnswerAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var header = new byte[20];
        await stream.ReadExactlyAsync(header, cancellationToken);
        var payload = new byte[BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(14)) - header.Length];
        await stream.ReadExactlyAsync(payload, cancellationToken);
        return header[16] == 0xFF && header[17] == 0 && payload.Length >= 8
            ? BinaryPrimitives.ReadUInt64LittleEndian(payload)
            : throw new IOException($"The process refused: {Convert.ToHexString(header)} {Convert.ToHexString(payload)}");
    }
}
