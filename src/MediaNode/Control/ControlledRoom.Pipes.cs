using System.Net;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Srtp;
using VoiceCluster.Media.Transports;
using VoiceCluster.Media.Workers;

namespace VoiceCluster.MediaNode.Control;

/// <summary>The room's pipes to its other nodes. What goes through them belongs to the room's grain, and to no participant.</summary>
internal sealed partial class ControlledRoom
{
    private static bool IsPiped(Producer producer) => producer.Transport is RouterPipe;

    private static bool IsPiped(Consumer consumer) => consumer.Transport is RouterPipe;

    private PipeTransport? FindPipe(string id) => _router!.Transports.GetValueOrDefault(id) as PipeTransport;

    private void ClosePipe(string id, long now) => FindPipe(id)?.Close(now);

    private Outcome<MediaReply> OnPipe(string id, Func<PipeTransport, Outcome<MediaReply>> action) =>
        FindPipe(id) is { } pipe ? action(pipe) : new Fault(FaultCode.NotFound, $"Pipe {id} does not exist.");

    private Outcome<MediaReply> CreatePipe(CreatePipeTransport command, MediaWorker worker, long now)
    {
        if (FindPipe(command.PipeId) is not { } pipe)
        {
            var created = worker.CreatePipeTransport(_router!, command.PipeId, now);
            if (!created.IsOk)
            {
                return FaultOf(created.Fault, created.Error);
            }

            pipe = created.Value;
        }

        var local = pipe.LocalAddress.ToIPEndPoint();
        return new PipeTransportOpened(new PipeEnd(
            local.Address.ToString(), local.Port, pipe.SrtpParameters.CryptoSuite, pipe.SrtpParameters.KeyBase64, pipe.RtcpSsrc));
    }

    private static Outcome<MediaReply> ConnectPipe(PipeTransport pipe, PipeEnd remote, long now)
    {
        if (!IPAddress.TryParse(remote.Ip, out var ip) || remote.Port is < 1 or > ushort.MaxValue)
        {
            return new Fault(FaultCode.Invalid, $"{remote.Ip}:{remote.Port} is no address of a media node.");
        }

        var address = TransportAddress.From(new IPEndPoint(ip, remote.Port));
        if (pipe.RemoteAddress == address && pipe.RemoteRtcpSsrc == remote.RtcpSsrc)
        {
            return new MediaDone();
        }

        return pipe.Connect(address, new SrtpParameters(remote.CryptoSuite, remote.KeyBase64), remote.RtcpSsrc, now) is { } refused
            ? new Fault(FaultCode.Conflict, refused)
            : new MediaDone();
    }

    private static Outcome<MediaReply> ConsumeForPipe(PipeTransport pipe, string producerId, MediaWorker worker, long now)
    {
        var consumed = pipe.ConsumeForPipe(producerId, now);
        if (!consumed.IsOk)
        {
            return FaultOf(consumed.Fault, consumed.Error);
        }

        worker.RunSoon(pipe, now);
        return new PipeConsumerOpened(consumed.Value.RtpParameters.ToJson(), (Abstractions.Rooms.MediaKind)consumed.Value.Producer.Kind);
    }

    private Outcome<MediaReply> ProduceFromPipe(PipeTransport pipe, CreatePipeProducer command, MediaWorker worker, long now)
    {
        if (!RtpParameters.TryParse(command.RtpParametersJson, out var parameters, out var error))
        {
            return new Fault(FaultCode.Invalid, error);
        }

        if (_router!.Producers.TryGetValue(command.ProducerId, out var known))
        {
            if (known.Transport != pipe)
            {
                return new Fault(FaultCode.Conflict, "The producer belongs to another transport.");
            }

            if (known.RtpParameters.ToJson() == parameters.ToJson())
            {
                Pause(known, command.Paused, now);
                return new MediaDone();
            }

            // The other end began anew, with other streams.
            known.Close(now);
        }

        var produced = pipe.Produce(command.ProducerId, (MediaKind)command.Kind, parameters, command.Paused, now, command.ParticipantId);
        worker.RunSoon(pipe, now);
        return produced.IsOk ? new MediaDone() : FaultOf(produced.Fault, produced.Error);
    }

    private void ReconcilePipes(DesiredPipe[] desired, long now)
    {
        foreach (var pipe in _router!.Transports.Values.OfType<PipeTransport>().ToArray())
        {
            if (Array.Find(desired, d => d.PipeId == pipe.Id) is not { } wanted)
            {
                pipe.Close(now);
                continue;
            }

            foreach (var (_, consumer) in pipe.Piped.Where(p => !wanted.Out.Contains(p.Key)).ToArray())
            {
                consumer.Close(now);
            }

            foreach (var producer in pipe.Producers.ToArray())
            {
                if (Array.Find(wanted.In, p => p.ProducerId == producer.Id) is { } kept)
                {
                    Pause(producer, kept.Paused, now);
                }
                else
                {
                    producer.Close(now);
                }
            }
        }
    }

    private AdoptedPipe[] DescribePipes() =>
    [
        .. from pipe in _router!.Transports.Values.OfType<PipeTransport>()
           select new AdoptedPipe(pipe.Id, pipe.RemoteAddress is not null, [.. pipe.Piped.Keys], [.. pipe.Producers.Select(p => p.Id)]),
    ];
}
