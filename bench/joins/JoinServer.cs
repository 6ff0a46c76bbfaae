using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Abstractions;
using VoiceCluster.Media.Dtls;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;
using VoiceCluster.MediaNode.Io;

namespace VoiceCluster.Bench.Joins;

/// <summary>
/// One media worker without doors and grains, steered by lines on a local socket, as mediasoup's worker is by its channel:
/// "create ID", "connect ID ALGORITHM FINGERPRINT", "close ID", "cpu". Answers begin with the same two words.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class JoinServer
{
    private const int BufferBytes = 4 * 1024 * 1024;

    public static async Task RunAsync(int processor, string path)
    {
        using var dtls = new DtlsContext(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
        var socket = new LinuxUdpSocket(new IPEndPoint(IPAddress.Loopback, 0), BufferBytes);
        var worker = new MediaWorker(new MediaWorkerOptions { Announced = [TransportAddress.From(socket.LocalEndPoint)], MaxTransports = 100_000 }, dtls, socket);
        await using var thread = new WorkerThread(0, socket, worker, new MonotonicClock(TimeProvider.System), NullLogger.Instance, processor: processor);
        thread.Start();
        var router = await thread.InvokeAsync((w, now) => w.CreateRouter("joins", SilentRouterListener.Instance, now).Value!).ConfigureAwait(false);
        // The worker's thread answers by itself, so that no other thread has to be woken for a command.
        var transports = new Dictionary<string, WebRtcTransport>();
        using var line = new SteeringLine(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
        // Not the asynchronous way: after it each wait would go through another thread.
        line.Socket.Connect(new UnixDomainSocketEndPoint(path));
        while (line.Read() is { } commands)
        {
            _ = thread.InvokeAsync((worker, now) =>
            {
                foreach (var command in commands)
                {
                    line.Write(Answer(worker, now, router, transports, command.Split(' ')));
                }

                line.Flush();
                return true;
            });
        }
    }

    private static string Answer(MediaWorker worker, long now, Router router, Dictionary<string, WebRtcTransport> transports, string[] words)
    {
        switch (words)
        {
            case ["create", var id]:
                var transport = worker.CreateTransport(router, id, Listener.Instance, now).Value!;
                transports[id] = transport;
                return $"create {id} {transport.DescriptionJson}";
            case ["connect", var id, var algorithm, var value]:
                return DtlsParameters.TryParse($$"""{"role":"client","fingerprints":[{"algorithm":"{{algorithm}}","value":"{{value}}"}]}""", out var parameters, out var error)
                    ? $"connect {id} {transports[id].Connect(parameters, now)}"
                    : $"fault {id} {error}";
            case ["close", var id]:
                transports.Remove(id, out var closing);
                closing!.Close(now);
                return $"close {id} done";
            case ["cpu"]:
                // Also what else a point is about: the compiler's time, collections, bytes allocated.
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"cpu all {Environment.CpuUsage.TotalTime.TotalMicroseconds:0} {JitInfo.GetCompilationTime().TotalMicroseconds:0} {GC.CollectionCount(0)} {GC.GetTotalPauseDuration().TotalMicroseconds:0} {GC.GetTotalAllocatedBytes()}");

            default:
                return $"fault {words[0]} is no command";
        }
    }

    private sealed class Listener : IWebRtcTransportListener
    {
        public static readonly Listener Instance = new();

        public void OnStateChanged(WebRtcTransport transport, WebRtcTransportState state)
        {
        }
    }
}
