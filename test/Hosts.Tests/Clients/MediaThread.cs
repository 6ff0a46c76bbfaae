using System.Collections.Concurrent;
using System.Diagnostics;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>The one thread that runs the media of all talkers: it sweeps their sockets every few milliseconds.</summary>
internal sealed class MediaThread : IDisposable
{
    private static readonly TimeSpan Sweep = TimeSpan.FromMilliseconds(3);

    private readonly ConcurrentQueue<Action> _commands = new();
    private readonly List<MediaLink> _links = [];
    private readonly List<Voice> _voices = [];
    private readonly Thread _thread;
    private volatile bool _stopping;

    public MediaThread()
    {
        _thread = new Thread(Run) { Name = "media", IsBackground = true, Priority = ThreadPriority.AboveNormal };
        _thread.Start();
    }

    /// <summary>Microseconds of the thread's clock.</summary>
    public static long Now => 1_000_000 + (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    /// <summary>Runs a command on the thread.</summary>
    public Task InvokeAsync(Action command)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Enqueue(() =>
        {
            try
            {
                command();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public Task AddAsync(MediaLink link) => InvokeAsync(() => _links.Add(link));

    public Task AddAsync(Voice voice) => InvokeAsync(() => _voices.Add(voice));

    public Task RemoveAsync(Voice voice) => InvokeAsync(() => _voices.Remove(voice));

    /// <summary>Says goodbye on a link and frees it.</summary>
    public Task RemoveAsync(MediaLink link) => InvokeAsync(() =>
    {
        if (_links.Remove(link))
        {
            link.Dispose();
        }
    });

    public void Dispose()
    {
        _stopping = true;
        _thread.Join();
        _links.ForEach(l => l.Dispose());
    }

    private void Run()
    {
        while (!_stopping)
        {
            while (_commands.TryDequeue(out var command))
            {
                command();
            }

            var now = Now;
            foreach (var link in _links)
            {
                link.ReceiveAll(now);
                link.Advance(now);
            }

            foreach (var voice in _voices)
            {
                voice.Speak(now);
            }

            Thread.Sleep(Sweep);
        }
    }
}
