namespace VoiceCluster.Grains.Media;

/// <summary>Sees at once when a media node's process ends, where its silence would be noticed after seconds.</summary>
public interface IMediaNodeWatch
{
    /// <summary>
    /// Watches a process until the answer is disposed. <paramref name="onEnded"/> is called at most once, on any thread, and only when
    /// the process has ended for sure.
    /// </summary>
    IDisposable Watch(string controlUrl, Action onEnded);
}
