using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;

namespace VoiceCluster.Grains.Rooms;

/// <summary>How the sound of a room flows that is on several nodes.</summary>
internal static class RoomAudio
{
    /// <summary>One report of all. Each client is at one node, so that sums count nothing twice.</summary>
    public static AudioStatistics Sum(IReadOnlyList<AudioReported> reports)
    {
        if (reports.Count == 1)
        {
            return reports[0].Statistics;
        }

        double[] trips = [.. reports.SelectMany(r => r.RoundTrips ?? []).Order()];
        var voices = reports.Sum(r => r.Voices);
        return new AudioStatistics(
            reports.Sum(r => r.Statistics.PacketsReceived),
            reports.Sum(r => r.Statistics.BytesReceived),
            reports.Sum(r => r.Statistics.PacketsRouted),
            reports.Sum(r => r.Statistics.BytesRouted),
            reports.Sum(r => r.Statistics.PacketsDropped),
            reports.Sum(r => r.Statistics.PacketsExpired),
            reports.Sum(r => r.Statistics.PacketsLost),
            reports.Sum(r => r.Statistics.PacketsExpected),
            voices == 0 ? 0 : reports.Sum(r => r.Statistics.JitterMilliseconds * r.Voices) / voices,
            Share(0.5),
            Share(0.99),
            reports.Sum(r => r.Statistics.Clients));

        double Share(double share) => trips.Length == 0 ? 0 : trips[Math.Min(trips.Length - 1, (int)(share * trips.Length))];
    }
}
