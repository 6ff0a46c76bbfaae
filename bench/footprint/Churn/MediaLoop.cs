using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace VoiceCluster.Bench.Churn;

/// <summary>The one thread that runs all media of the generator: commands, timers, then whichever sockets have something.</summary>
internal sealed class MediaLoop : IDisposable
{
    /// <summary>Microseconds that a wait may last, so that a new command is seen soon.</summary>
    private const int LongestWait = 2_000;

    private readonly BlockingCollection<Action> _commands = [];
    private readonly List<MediaLink> _links = [];
    private readonly Thread _thread;

    public MediaLoop()
    {
        _thread = new Thread(Run) { Name = "media", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Microseconds of the loop's clock.</summary>
    public static long Now => 1_000_000 + (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    /// <summary>Runs a command on the loop's thread.</summary>
    public Task InvokeAsync(Action command)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _commands.Add(() =>
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

    /// <summary>Begins to run a link.</summary>
    public Task AddAsync(MediaLink link) => InvokeAsync(() => _links.Add(link));

    /// <summary>Says goodbye on a link and frees it.</summary>
    public Task RemoveAsync(MediaLink link) => InvokeAsync(() =>
    {
        _links.Remove(link);
        link.Dispose();
    });

    public void Dispose()
    {
        _commands.CompleteAdding();
        _thread.Join();
        _links.ForEach(l => l.Dispose());
        _commands.Dispose();
    }

    private void Run()
    {
        var readable = new List<Socket>();
        while (!_commands.IsCompleted)
        {
            while (_commands.TryTake(out var command, _links.Count == 0 ? 20 : 0))
            {
                command();
            }

            if (_links.Count == 0)
            {
                continue;
            }

            var now = Now;
            var next = now + LongestWait;
            readable.Clear();
            foreach (var link in _links)
            {
                next = Math.Min(next, link.Advance(now));
                readable.Add(link.Socket);
            }

            Socket.Select(readable, null, null, (int)Math.Max(0, next - now));
            foreach (var link in _links)
            {
                if (readable.Contains(link.Socket))
                {
                    link.ReceiveAll();
                }
            }
        }
    }
}
