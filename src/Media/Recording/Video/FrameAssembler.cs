using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Video;

/// <summary>
/// Makes frames of RTP packets. After a loss that tore a frame nothing is given out up to the next key frame, which
/// <see cref="NeedsKeyFrame"/> asks for: a decoder would show what never was.
/// </summary>
internal abstract class FrameAssembler(IFrameSink sink) : IPacketSink
{
    /// <summary>Bytes of the longest frame; a sender that goes on beyond it is not believed. 4 MiB.</summary>
    public const int MaxFrame = 4 * 1024 * 1024;

    private byte[] _frame = new byte[16 * 1024];
    private uint _timestamp;
    private long _beganAt;

    /// <summary>True until a key frame has come, and again after a loss.</summary>
    public bool NeedsKeyFrame { get; private set; } = true;

    /// <summary>Frames that were torn, or stood upon one that was.</summary>
    public long Dropped { get; private set; }

    private protected int Length { get; private set; }

    private protected Span<byte> Frame => _frame.AsSpan(0, Length);

    private protected bool IsInFrame { get; private set; }

    /// <summary>The assembler of a format; null for what is no video that can be recorded.</summary>
    public static FrameAssembler? Of(PayloadFormat format, IFrameSink sink) => format switch
    {
        PayloadFormat.Vp8 => new Vp8Assembler(sink),
        PayloadFormat.Vp9 => new Vp9Assembler(sink),
        PayloadFormat.H264 => new H264Assembler(sink),
        _ => null,
    };

    /// <summary>The source begins anew: only a key frame can follow.</summary>
    public void Restart()
    {
        Abandon();
        NeedsKeyFrame = true;
    }

    /// <inheritdoc/>
    public void OnPacket(uint timestamp, bool marker, ReadOnlySpan<byte> payload, int lost, long now)
    {
        if (lost > 0)
        {
            Tear();
        }

        if (IsInFrame && timestamp != _timestamp)
        {
            // The marker is missing from some senders: another time stamp ends a frame as well.
            End();
        }

        if (payload.IsEmpty)
        {
            return;
        }

        if (!IsInFrame)
        {
            (_timestamp, _beganAt) = (timestamp, now);
        }

        if (!TryAdd(payload))
        {
            Tear();
            return;
        }

        if (marker && IsInFrame)
        {
            End();
        }
    }

    /// <summary>Adds a packet's part of the frame; false when it is malformed or does not fit what came before.</summary>
    private protected abstract bool TryAdd(ReadOnlySpan<byte> payload);

    /// <summary>Finishes the frame; false when it is not whole.</summary>
    private protected abstract bool TryFinish(out FrameShape shape);

    private protected void Begin()
    {
        IsInFrame = true;
        Length = 0;
    }

    private protected bool TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxFrame - Length)
        {
            return false;
        }

        if (Length + bytes.Length > _frame.Length)
        {
            Array.Resize(ref _frame, Math.Min(MaxFrame, Math.Max(_frame.Length * 2, Length + bytes.Length)));
        }

        bytes.CopyTo(_frame.AsSpan(Length));
        Length += bytes.Length;
        return true;
    }

    private protected void Trim(int length) => Length = length;

    private void End()
    {
        IsInFrame = false;
        if (Length == 0 || !TryFinish(out var shape) || (NeedsKeyFrame && !shape.IsKeyFrame))
        {
            Dropped++;
            NeedsKeyFrame = true;
            Abandon();
            return;
        }

        NeedsKeyFrame = false;
        sink.OnFrame(Frame, _timestamp, shape.IsKeyFrame, shape.Width, shape.Height, shape.Configuration, _beganAt);
        Abandon();
    }

    private void Tear()
    {
        Dropped += IsInFrame ? 1 : 0;
        Restart();
    }

    private void Abandon()
    {
        IsInFrame = false;
        Length = 0;
        OnAbandoned();
    }

    private protected virtual void OnAbandoned()
    {
    }

    /// <summary>What a frame is.</summary>
    private protected readonly ref struct FrameShape
    {
        public bool IsKeyFrame { get; init; }

        public int Width { get; init; }

        public int Height { get; init; }

        public ReadOnlySpan<byte> Configuration { get; init; }
    }
}
