using System.Globalization;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.SocketIo;

/// <summary>The last events sent to a socket, each with the offset that the client names when it comes back.</summary>
internal sealed class SocketIoReplayLog(int maxEvents, int maxBytes)
{
    private readonly Queue<(EngineFrame[] Frames, int Bytes)> _events = new();
    private long _last;
    private long _bytes;

    /// <summary>The offset of the event that is added next.</summary>
    public string NextOffset => (_last + 1).ToString(CultureInfo.InvariantCulture);

    public void Add(EngineFrame[] frames)
    {
        int bytes = frames.Sum(f => f.Bytes.Length);
        _last++;
        _bytes += bytes;
        _events.Enqueue((frames, bytes));
        while (_events.Count > maxEvents || _bytes > maxBytes)
        {
            _bytes -= _events.Dequeue().Bytes;
        }
    }

    /// <summary>What followed an offset (null: the beginning); false when it is not kept any more or was never given.</summary>
    public bool TryGetAfter(string? offset, out List<EngineFrame[]> missed)
    {
        missed = [];
        long seen = 0;
        if (offset is not null && !long.TryParse(offset, NumberStyles.None, CultureInfo.InvariantCulture, out seen))
        {
            return false;
        }

        long first = _last - _events.Count + 1;
        if (seen < first - 1 || seen > _last)
        {
            return false;
        }

        missed.AddRange(_events.Skip((int)(seen - first + 1)).Select(e => e.Frames));
        return true;
    }
}
