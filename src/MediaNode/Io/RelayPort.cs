using System.Net;
using System.Net.Sockets;
using VoiceCluster.Hosting;
using VoiceCluster.Media.Interop.Linux;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.MediaNode.Io;

/// <summary>
/// Opens the relay port: on Linux a socket of it for each worker, with the kernel handing each datagram to the worker of its
/// channel; elsewhere one, for the first worker.
/// </summary>
internal static class RelayPort
{
    /// <summary>Ports that are tried from the wished one on.</summary>
    private const int Tries = 100;

    /// <summary>The sockets in the order of the workers: as many as there are, or one.</summary>
    public static IBatchSocket[] Open(IPAddress listen, int port, int workers, int bufferSize, bool portable)
    {
        for (var wished = port; ; wished++)
        {
            try
            {
                return portable || !OperatingSystem.IsLinux()
                    ? [new PortableUdpSocket(new IPEndPoint(listen, wished), bufferSize)]
                    : OpenShared(new IPEndPoint(listen, wished), workers, bufferSize);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse && wished - port < Tries && wished < IPEndPoint.MaxPort)
            {
                // The next one: clients are told where it is.
                continue;
            }
            catch (SocketException e)
            {
                throw new StartException($"Relay:UdpPort {wished} at {listen}: {e.Message}.", e);
            }
        }
    }

    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private static IBatchSocket[] OpenShared(IPEndPoint endPoint, int workers, int bufferSize)
    {
        if (endPoint.Port != 0)
        {
            // A shared port would be shared with another process of the same user, too: this refuses.
            using var probe = new Socket(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ExclusiveAddressUse = true };
            probe.Bind(endPoint);
        }

        var sockets = new List<LinuxUdpSocket>();
        try
        {
            for (var i = 0; i < workers; i++)
            {
                sockets.Add(new LinuxUdpSocket(sockets.Count == 0 ? endPoint : sockets[0].LocalEndPoint, bufferSize, sharesPort: true));
            }

            sockets[0].Steer(RelaySteering.Offset, workers);
            return [.. sockets];
        }
        catch
        {
            sockets.ForEach(s => s.Dispose());
            throw;
        }
    }
}
