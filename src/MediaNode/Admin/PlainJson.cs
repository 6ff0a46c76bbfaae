using System.Text.Json.Nodes;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Transports;

namespace VoiceCluster.MediaNode.Admin;

/// <summary>mediasoup's JSON of a plain transport and of what it carries.</summary>
internal static class PlainJson
{
    public static JsonObject Describe(PlainTransport transport)
    {
        JsonObject json = new()
        {
            ["id"] = transport.Id,
            ["rtcpMux"] = transport.Options.RtcpMux,
            ["comedia"] = transport.Options.Comedia,
            ["connected"] = transport.IsConnected,
            ["tuple"] = Tuple(transport.LocalAddress, transport.RemoteAddress),
            ["producers"] = new JsonArray([.. transport.Producers.Select(Describe)]),
            ["consumers"] = new JsonArray([.. transport.Consumers.Select(Describe)]),
            ["stats"] = new JsonObject
            {
                ["rtpPacketsReceived"] = transport.Stats.RtpPacketsReceived,
                ["rtpPacketsSent"] = transport.Stats.RtpPacketsSent,
                ["rtpBytesReceived"] = transport.Stats.RtpBytesReceived,
                ["rtpBytesSent"] = transport.Stats.RtpBytesSent,
                ["availableOutgoingBitrate"] = transport.Stats.AvailableOutgoingBitrate,
                ["packetsDropped"] = Dropped(transport),
            },
        };
        if (transport.LocalRtcpAddress is { } rtcp)
        {
            json["rtcpTuple"] = Tuple(rtcp, transport.RemoteRtcpAddress);
        }

        if (transport.SrtpParameters is { } srtp)
        {
            json["srtpParameters"] = new JsonObject { ["cryptoSuite"] = srtp.CryptoSuite, ["keyBase64"] = srtp.KeyBase64 };
        }

        return json;
    }

    public static JsonNode Describe(Producer producer) => new JsonObject
    {
        ["id"] = producer.Id,
        ["kind"] = producer.Kind.ToString().ToLowerInvariant(),
        ["paused"] = producer.IsPaused,
        ["packets"] = producer.Packets,
    };

    public static JsonNode Describe(Consumer consumer) => new JsonObject
    {
        ["id"] = consumer.Id,
        ["producerId"] = (consumer as ProducerConsumer)?.Producer.Id,
        ["kind"] = consumer.Kind.ToString().ToLowerInvariant(),
        ["paused"] = consumer.IsPaused,
        ["producerPaused"] = consumer.IsProducerPaused,
        ["rtpParameters"] = JsonNode.Parse(consumer.RtpParameters.ToJson()),
    };

    private static JsonObject Dropped(PlainTransport transport)
    {
        JsonObject dropped = [];
        foreach (var reason in Enum.GetValues<Media.DropReason>())
        {
            if (transport.Stats.Drops[(int)reason] is > 0 and var count)
            {
                dropped[System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(reason.ToString())] = count;
            }
        }

        return dropped;
    }

    /// <summary>Both the old and the new name of the local address, as mediasoup has them.</summary>
    private static JsonObject Tuple(in TransportAddress local, TransportAddress? remote)
    {
        var own = local.ToIPEndPoint();
        JsonObject json = new()
        {
            ["localAddress"] = own.Address.ToString(),
            ["localIp"] = own.Address.ToString(),
            ["localPort"] = own.Port,
            ["protocol"] = "udp",
        };
        if (remote?.ToIPEndPoint() is { } other)
        {
            json["remoteIp"] = other.Address.ToString();
            json["remotePort"] = other.Port;
        }

        return json;
    }
}
