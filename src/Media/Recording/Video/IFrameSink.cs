namespace VoiceCluster.Media.Recording.Video;

/// <summary>Takes a video stream's whole frames.</summary>
internal interface IFrameSink
{
    /// <summary>
    /// One frame as a decoder takes it. The size, in pixels, is known of key frames; 0 of others. A key frame of H.264 comes
    /// with the decoder's configuration (ISO/IEC 14496-15 §5.3.3.1), others without. `now` is when its first packet came.
    /// </summary>
    void OnFrame(ReadOnlySpan<byte> frame, uint timestamp, bool isKeyFrame, int width, int height, ReadOnlySpan<byte> configuration, long now);
}
