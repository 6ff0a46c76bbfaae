using System.ComponentModel;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions.Channels;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.ApiFrontend.Doors.Channels;

/// <summary>The answer of <c>GET /api/audio/config</c>.</summary>
internal sealed record AudioConfigAnswer(
    int UdpPort,
    int SampleRate,
    int Channels,
    [property: Description("Packets of the window in which late ones are still told from repetitions.")] int BufferSize,
    [property: Description("Bytes of the longest datagram.")] int MaxPacketSize,
    string Codec,
    int FrameMs,
    int HeaderBytes,
    string Encryption);

/// <summary>Round trips between the media node and its clients, milliseconds.</summary>
internal sealed record LatencyAnswer(double P50, double P99);

/// <summary>The answer of <c>GET /api/channels/{id}/audio/stats</c>.</summary>
internal sealed record AudioStatisticsAnswer(
    Guid ChannelId,
    int Users,
    [property: Description("Transports at the media node: a client of one connection has one.")] int Clients,
    long PacketsReceived,
    long BytesReceived,
    long PacketsRouted,
    long BytesRouted,
    long PacketsDropped,
    [property: Description("Of the dropped ones: too late to be heard.")] long PacketsExpired,
    [property: Description("Of the voices that are there now: what did not arrive.")] long PacketsLost,
    [property: Description("Share of the packets of these voices, 0 to 1.")] double PacketLoss,
    double JitterMs,
    [property: Description("Round trips between the media node and its clients.")] LatencyAnswer LatencyMs);

/// <summary>What is to be known of sound over REST.</summary>
internal static class AudioRoutes
{
    public static void Map(IEndpointRouteBuilder routes, RouteGroupBuilder channels)
    {
        routes.MapGet("/api/audio/config", ConfigAsync).AddEndpointFilter<ChannelsGuard>().RequireIdentityUnlessOpen().WithDocs(MemberDocs.Config);
        channels.MapGet("/{channelId}/audio/stats", StatisticsAsync).WithDocs(MemberDocs.Statistics);
    }

    private static async Task<IResult> ConfigAsync([FromServices] IOptions<AudioOptions> options, [FromServices] RelayAddress relay)
    {
        var audio = options.Value;
        var endPoint = await relay.FindAsync().ConfigureAwait(false);
        return ChannelJson.Answer(new AudioConfigAnswer(
            endPoint?.Port ?? audio.UdpPort, audio.SampleRate, audio.Channels, audio.BufferSize, audio.MaxPacketSize, "opus", 20, 51, "aes-128-gcm"));
    }

    private static Task<IResult> StatisticsAsync(string channelId, [FromServices] IGrainFactory grains) => ChannelsDoor.WithChannelAsync(channelId, async id =>
    {
        var channel = await grains.GetGrain<IChannelGrain>(id).GetAsync().ConfigureAwait(false);
        if (channel.Fault is { } unknown)
        {
            return ChannelJson.Error(unknown);
        }

        var room = grains.GetGrain<IRoomGrain>(channel.Value!.Room);
        var participants = (await room.GetSnapshotAsync().ConfigureAwait(false)).Participants;
        var audio = await room.GetAudioStatisticsAsync().ConfigureAwait(false);
        if (audio.Fault is { } fault)
        {
            return ChannelJson.Error(fault);
        }

        var now = audio.Value!;
        return ChannelJson.Answer(new AudioStatisticsAnswer(
            id,
            participants.Select(p => p.UserId).Distinct().Count(),
            now.Clients,
            now.PacketsReceived,
            now.BytesReceived,
            now.PacketsRouted,
            now.BytesRouted,
            now.PacketsDropped,
            now.PacketsExpired,
            now.PacketsLost,
            now.PacketsExpected == 0 ? 0 : Math.Round(now.PacketsLost / (double)now.PacketsExpected, 4),
            Math.Round(now.JitterMilliseconds, 3),
            new LatencyAnswer(Math.Round(now.RoundTripP50Milliseconds, 3), Math.Round(now.RoundTripP99Milliseconds, 3))));
    });
}
