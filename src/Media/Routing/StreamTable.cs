using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing;

/// <summary>Where a packet belongs.</summary>
/// <param name="IsNew">The stream was opened by this packet.</param>
internal readonly record struct StreamBinding(RtpStreamReceiver Stream, bool IsRtx, bool IsNew);

/// <summary>Finds a packet's stream by SSRC, or by MID and RID the first time (RFC 8843 §9.2, RFC 8852 §3).</summary>
internal sealed class StreamTable(int maxStreams)
{
    private readonly Dictionary<Ssrc, StreamBinding> _bySsrc = [];
    private readonly Dictionary<Mid, Producer> _byMid = [];
    private readonly Dictionary<Mid, Producer> _byRid = [];
    private byte _midId;
    private byte _ridId;
    private byte _repairedRidId;

    /// <summary>Null, or why a producer of these parameters could not be told from another.</summary>
    public string? CheckNew(RtpParameters parameters)
    {
        var named = Mid.TryParse(parameters.Mid, out var mid);
        if (named && _byMid.ContainsKey(mid))
        {
            return $"MID {parameters.Mid} is taken.";
        }

        var ssrcs = new HashSet<uint>();
        foreach (var encoding in parameters.Encodings)
        {
            foreach (var ssrc in (uint?[])[encoding.Ssrc, encoding.Rtx?.Ssrc])
            {
                if (ssrc is { } s && (!ssrcs.Add(s) || _bySsrc.ContainsKey(new Ssrc(s))))
                {
                    return $"SSRC {s} is taken.";
                }
            }

            if (encoding.Ssrc is null && !named && (!Mid.TryParse(encoding.Rid, out var rid) || _byRid.ContainsKey(rid)))
            {
                return "An encoding needs an ssrc, a mid, or a rid that is not taken.";
            }

            if (encoding.Ssrc is null && encoding.Rid is null && parameters.Encodings.Length > 1)
            {
                return "Each of several encodings needs an ssrc or a rid.";
            }
        }

        return null;
    }

    public void Add(Producer producer)
    {
        var parameters = producer.RtpParameters;
        if (Mid.TryParse(parameters.Mid, out var mid))
        {
            _byMid.Add(mid, producer);
        }

        for (var i = 0; i < parameters.Encodings.Length; i++)
        {
            var encoding = parameters.Encodings[i];
            if (Mid.TryParse(encoding.Rid, out var rid))
            {
                _byRid.TryAdd(rid, producer);
            }

            if (encoding.Ssrc is { } ssrc)
            {
                var stream = producer.OpenStream(i, new Ssrc(ssrc));
                _bySsrc.Add(stream.Ssrc, new StreamBinding(stream, false, false));
                if (encoding.Rtx is { } rtx)
                {
                    stream.RtxSsrc = new Ssrc(rtx.Ssrc);
                    _bySsrc.Add(stream.RtxSsrc.Value, new StreamBinding(stream, true, false));
                }
            }
        }

        // In one bundle all producers use the same ids (RFC 8843 §9.1).
        foreach (var extension in parameters.HeaderExtensions)
        {
            switch (extension.Uri)
            {
                case HeaderExtensionUris.Mid:
                    _midId = (byte)extension.Id;
                    break;
                case HeaderExtensionUris.RtpStreamId:
                    _ridId = (byte)extension.Id;
                    break;
                case HeaderExtensionUris.RepairedRtpStreamId:
                    _repairedRidId = (byte)extension.Id;
                    break;
            }
        }
    }

    public void Remove(Producer producer)
    {
        foreach (var pair in _bySsrc)
        {
            if (pair.Value.Stream.Producer == producer)
            {
                _bySsrc.Remove(pair.Key);
            }
        }

        foreach (var pair in _byMid)
        {
            if (pair.Value == producer)
            {
                _byMid.Remove(pair.Key);
            }
        }

        foreach (var pair in _byRid)
        {
            if (pair.Value == producer)
            {
                _byRid.Remove(pair.Key);
            }
        }
    }

    public bool TryFind(in RtpPacket packet, out StreamBinding binding)
        => _bySsrc.TryGetValue(packet.Ssrc, out binding) || TryBind(packet, out binding);

    /// <summary>By SSRC only.</summary>
    public bool TryFind(Ssrc ssrc, out StreamBinding binding) => _bySsrc.TryGetValue(ssrc, out binding);

    private bool TryBind(in RtpPacket packet, out StreamBinding binding)
    {
        binding = default;
        var isRepair = TryRead(packet, _repairedRidId, out var rid);
        var hasRid = isRepair || TryRead(packet, _ridId, out rid);
        Producer? producer = null;
        if (TryRead(packet, _midId, out var mid))
        {
            _byMid.TryGetValue(mid, out producer);
        }

        if (producer is null && hasRid)
        {
            _byRid.TryGetValue(rid, out producer);
        }

        if (producer is null)
        {
            return false;
        }

        var encoding = hasRid ? producer.EncodingOf(rid) : producer.Streams.Length == 1 ? 0 : -1;
        if (encoding < 0)
        {
            return false;
        }

        var existing = producer.Streams[encoding];
        if (isRepair || producer.IsRtx(packet.PayloadType))
        {
            if (existing is null)
            {
                return false;
            }

            Forget(existing.RtxSsrc);
            if (_bySsrc.Count >= maxStreams)
            {
                return false;
            }

            existing.RtxSsrc = packet.Ssrc;
            existing.RtxStatistics = null;
            binding = new StreamBinding(existing, true, false);
            _bySsrc.Add(packet.Ssrc, binding);
            return true;
        }

        // The sender may take a new SSRC for the same MID or RID, but never one that it declared otherwise.
        if (producer.RtpParameters.Encodings[encoding].Ssrc is not null || _bySsrc.Count >= maxStreams)
        {
            return false;
        }

        Forget(existing?.Ssrc);
        Forget(existing?.RtxSsrc);
        var stream = producer.OpenStream(encoding, packet.Ssrc);
        _bySsrc.Add(packet.Ssrc, new StreamBinding(stream, false, false));
        binding = new StreamBinding(stream, false, true);
        return true;
    }

    private void Forget(Ssrc? ssrc)
    {
        if (ssrc is { } known)
        {
            _bySsrc.Remove(known);
        }
    }

    private static bool TryRead(in RtpPacket packet, byte id, out Mid value)
    {
        value = default;
        return packet.TryGetExtension(id, out var element) && Mid.TryParse(element, out value);
    }
}
