using System.Collections;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>
/// What one listener has heard of one speaker. Frames are numbered by the speaker, in the payload, so that a frame is the same
/// frame whichever media node it came through. The media thread writes; others read a copy.
/// </summary>
internal sealed class Hearing
{
    private readonly Lock _gate = new();
    private readonly BitArray _frames = new(512);
    private int _first = -1;
    private int _last = -1;

    /// <summary>The newest frame, or -1.</summary>
    public int Last
    {
        get
        {
            lock (_gate)
            {
                return _last;
            }
        }
    }

    /// <summary>A frame came, perhaps for the second time.</summary>
    public void Hear(int frame)
    {
        lock (_gate)
        {
            while (frame >= _frames.Length)
            {
                _frames.Length *= 2;
            }

            _frames[frame] = true;
            _first = _first < 0 ? frame : _first;
            _last = Math.Max(_last, frame);
        }
    }

    /// <summary>Frames that are missing between the first one that was heard, or <paramref name="since"/>, and the newest.</summary>
    public (int Total, int Longest) Missing(int since)
    {
        lock (_gate)
        {
            int total = 0, longest = 0, run = 0;
            for (var frame = Math.Max(_first, since + 1); frame >= 0 && frame < _last; frame++)
            {
                run = _frames[frame] ? 0 : run + 1;
                total += run > 0 ? 1 : 0;
                longest = Math.Max(longest, run);
            }

            return (total, longest);
        }
    }
}
