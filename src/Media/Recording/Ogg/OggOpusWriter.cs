using System.Buffers.Binary;
using System.Text;
using VoiceCluster.Media.Recording.Sound;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Recording.Ogg;

/// <summary>
/// Writes Opus packets as an Ogg stream (RFC 3533, RFC 7845). A page holds half a second at most and is whole when it is
/// written, so that a file that ends anywhere plays up to its last half second.
/// </summary>
internal sealed class OggOpusWriter : ISoundSink
{
    /// <summary>Samples of 48 kHz that a page holds at most: 400 ms. RFC 7845 §6 recommends a second at most.</summary>
    private const int PageSamples = 19_200;

    private const int MaxSegments = 255;

    /// <summary>
    /// Samples that players leave out at the beginning (RFC 7845 §4.2): a frame of silence, in which a decoder settles. Time 0
    /// is behind it.
    /// </summary>
    internal const int PreSkip = SilentOpus.LongestSamples;

    private readonly IRecordingFile _file;
    private readonly uint _serial;
    private readonly byte[] _page = new byte[OggPage.MaxLength];
    private readonly byte[] _laces = new byte[MaxSegments];
    private readonly byte[] _body = new byte[MaxSegments * 255];
    private int _segments;
    private int _bodyLength;
    private uint _sequence;
    private long _position;
    private long _pageStart;

    /// <param name="file">An empty file.</param>
    /// <param name="channels">1 or 2: what players give out; packets may have either.</param>
    /// <param name="serial">The stream's number, any.</param>
    /// <param name="comments">"NAME=value" pairs for the comment header.</param>
    public OggOpusWriter(IRecordingFile file, int channels, uint serial, params ReadOnlySpan<string> comments)
    {
        _file = file;
        _serial = serial;
        WriteHead(channels);
        WriteTags(comments);
        OnSound(SilentOpus.Longest, PreSkip);
    }

    /// <inheritdoc/>
    public void OnSound(ReadOnlySpan<byte> packet, int samples)
    {
        // §6, field 9: a packet is laced in 255s with a lesser one at its end.
        var laces = (packet.Length / 255) + 1;
        if (_segments + laces > MaxSegments || (_segments > 0 && _position + samples - _pageStart > PageSamples))
        {
            WritePage(0, _position);
        }

        packet.CopyTo(_body.AsSpan(_bodyLength));
        _bodyLength += packet.Length;
        _laces.AsSpan(_segments, laces - 1).Fill(255);
        _segments += laces;
        _laces[_segments - 1] = (byte)(packet.Length % 255);
        _position += samples;
    }

    /// <summary>Writes what waits when it is as long as a page should be; called when time has passed.</summary>
    public void Flush()
    {
        if (_segments > 0 && _position - _pageStart >= PageSamples)
        {
            WritePage(0, _position);
        }
    }

    /// <summary>
    /// Ends the stream at exactly <paramref name="end"/> samples: the last page says so, and a decoder leaves out what the
    /// last packet has beyond it (RFC 7845 §4.4). Packets that begin later are left out, unless they are in the file already.
    /// Answers the end as it was written.
    /// </summary>
    public long Finish(long end)
    {
        if (_segments == 0)
        {
            // The last page must complete a packet, since its granule position refers to one.
            OnSound(SilentOpus.Longest, SilentOpus.LongestSamples);
        }

        while (TryTakeBack(end + PreSkip))
        {
        }

        var granule = Math.Clamp(end + PreSkip, _pageStart, _position);
        WritePage(OggPage.End, granule);
        _file.Close();
        return granule - PreSkip;
    }

    // The page's last packet, if it begins behind the end and is not the page's only one.
    private bool TryTakeBack(long end)
    {
        var first = _segments - 1;
        while (first > 0 && _laces[first - 1] == 255)
        {
            first--;
        }

        var length = 0;
        foreach (var lace in _laces.AsSpan(first, _segments - first))
        {
            length += lace;
        }

        if (first == 0 || !Opus.TryGetSamples(_body.AsSpan(_bodyLength - length, length), out var samples) || _position - samples < end)
        {
            return false;
        }

        (_segments, _bodyLength, _position) = (first, _bodyLength - length, _position - samples);
        return true;
    }

    // RFC 7845 §5.1.
    private void WriteHead(int channels)
    {
        Span<byte> head = stackalloc byte[19];
        "OpusHead"u8.CopyTo(head);
        head[8] = 1;
        head[9] = (byte)channels;
        BinaryPrimitives.WriteUInt16LittleEndian(head[10..], PreSkip);
        BinaryPrimitives.WriteUInt32LittleEndian(head[12..], 48_000);
        BinaryPrimitives.WriteInt16LittleEndian(head[16..], 0);
        head[18] = 0;
        AddHeader(head);
        WritePage(OggPage.Begin, 0);
    }

    // RFC 7845 §5.2.
    private void WriteTags(ReadOnlySpan<string> comments)
    {
        Span<byte> tags = stackalloc byte[4_096];
        "OpusTags"u8.CopyTo(tags);
        var length = 8;
        AddString(tags, ref length, "VoiceCluster");
        BinaryPrimitives.WriteInt32LittleEndian(tags[length..], comments.Length);
        length += 4;
        foreach (var comment in comments)
        {
            AddString(tags, ref length, comment.Length > 400 ? comment[..400] : comment);
        }

        AddHeader(tags[..length]);
        WritePage(0, 0);
    }

    private static void AddString(Span<byte> tags, ref int length, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32LittleEndian(tags[length..], bytes.Length);
        bytes.CopyTo(tags[(length + 4)..]);
        length += 4 + bytes.Length;
    }

    private void AddHeader(ReadOnlySpan<byte> packet) => OnSound(packet, 0);

    private void WritePage(byte flags, long granule)
    {
        var page = _page.AsSpan(0, OggPage.FixedLength + _segments + _bodyLength);
        "OggS"u8.CopyTo(page);
        page[4] = 0;
        page[5] = flags;
        BinaryPrimitives.WriteInt64LittleEndian(page[6..], granule);
        BinaryPrimitives.WriteUInt32LittleEndian(page[14..], _serial);
        BinaryPrimitives.WriteUInt32LittleEndian(page[18..], _sequence++);
        page[26] = (byte)_segments;
        _laces.AsSpan(0, _segments).CopyTo(page[OggPage.FixedLength..]);
        _body.AsSpan(0, _bodyLength).CopyTo(page[(OggPage.FixedLength + _segments)..]);
        OggPage.Seal(page);
        _file.Append(page);
        _segments = _bodyLength = 0;
        _pageStart = _position;
    }
}
