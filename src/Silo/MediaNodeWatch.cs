using VoiceCluster.Grains.Media;
using VoiceCluster.Hosting.Health;

namespace VoiceCluster.Silo;

/// <summary>Watches media nodes at the port that they tell the fleet.</summary>
internal sealed class MediaNodeWatch(PortWatch ports) : IMediaNodeWatch
{
    /// <inheritdoc/>
    public IDisposable Watch(string controlUrl, Action onEnded) =>
        Uri.TryCreate(controlUrl, UriKind.Absolute, out var url) && url.Port > 0 ? ports.Watch(url, onEnded) : new NoWatch();

    private sealed class NoWatch : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
