namespace VoiceCluster.Hosting.Metrics;

/// <summary>A part of a process whose instruments read sums that it makes from time to time: it makes them anew when somebody asks.</summary>
public interface IScrapeSource
{
    /// <summary>Returns when the figures are fresh, or soon when that is not to be had.</summary>
    Task RefreshAsync(CancellationToken cancellationToken);
}
