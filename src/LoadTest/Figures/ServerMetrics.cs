using System.Globalization;

namespace VoiceCluster.LoadTest.Figures;

/// <summary>What a server's <c>/metrics</c> said at one moment; sums over all labels. NaN where it does not say.</summary>
internal sealed record ServerMetrics(double CpuSeconds, double MemoryBytes, double RtpSent, double Datagrams, double SendMessages, double SendFailures, double QueueOverflows, double Transports, double GcPauseSeconds, double GcCollections, double WorkerAllocated, double LockContentions, double CompileSeconds)
{
    /// <summary>Reads Prometheus text, format 0.0.4.</summary>
    public static ServerMetrics Parse(string text)
    {
        Dictionary<string, double> sums = new(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            var space = line.LastIndexOf(' ');
            if (space <= 0 || line[0] == '#' || !double.TryParse(line.AsSpan(space + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            {
                continue;
            }

            var end = line.IndexOf('{', StringComparison.Ordinal);
            var name = line[..(end < 0 ? space : end)];
            sums[name] = sums.GetValueOrDefault(name) + value;
        }

        double Of(string name) => sums.TryGetValue(name, out var value) ? value : double.NaN;
        return new ServerMetrics(
            Of("dotnet_process_cpu_time_seconds_total"),
            Of("dotnet_process_memory_working_set_bytes"),
            Of("voicecluster_media_rtp_packets_sent_total"),
            Of("voicecluster_media_datagrams_sent_total"),
            Of("voicecluster_media_send_messages_total"),
            Of("voicecluster_media_send_failures_total"),
            Of("voicecluster_media_receive_queue_overflows_total"),
            Of("voicecluster_media_transports"),
            Of("dotnet_gc_pause_time_seconds_total"),
            Of("dotnet_gc_collections_total"),
            Of("voicecluster_media_worker_allocated_bytes_total"),
            Of("dotnet_monitor_lock_contentions_total"),
            Of("dotnet_jit_compilation_time_seconds_total"));
    }

    /// <summary>Asks the server; null when it does not answer with metrics.</summary>
    public static async Task<ServerMetrics?> ReadAsync(HttpClient client, Uri address, CancellationToken cancellationToken)
    {
        try
        {
            return Parse(await client.GetStringAsync(address, cancellationToken).ConfigureAwait(false));
        }
        catch (HttpRequestException)
        {
            // The endpoint may be closed to us: the report then has no figures of the server.
            return null;
        }
    }
}
