using System.Buffers.Binary;
using System.Diagnostics;
using Concentus;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Samples.RelayClient;

/// <summary>Decodes each voice, mixes them a frame every 20 ms, and writes or plays the result.</summary>
internal sealed class Ear : IDisposable
{
    private const int FrameSamples = 960;

    /// <summary>Frames that a voice is ahead before it is heard: what evens out the network.</summary>
    private const int Depth = 4;

    private readonly Dictionary<UInt128, Voice> _voices = [];
    private readonly float[] _mix = new float[FrameSamples];
    private readonly byte[] _pcm = new byte[FrameSamples * 2];
    private readonly FileStream? _file;
    private readonly Process? _player;

    public Ear(string? wav, bool play)
    {
        if (wav is not null)
        {
            _file = File.Create(wav);
            _file.Write(new byte[44]);
        }

        if (play)
        {
            _player = Process.Start(new ProcessStartInfo("aplay", ["-q", "-f", "S16_LE", "-r", "48000", "-c", "1"]) { RedirectStandardInput = true });
        }
    }

    /// <summary>Users who were heard; the mix is nobody's.</summary>
    public IEnumerable<Guid> Heard => _voices.Keys.Select(RelayIdentity.ToGuid);

    public long Lost => _voices.Values.Sum(v => v.Lost);

    public void Receive(in RelayHeader header, ReadOnlySpan<byte> opus)
    {
        if (!_voices.TryGetValue(header.User, out var voice))
        {
            _voices.Add(header.User, voice = new Voice());
        }

        voice.Receive(header.Sequence, opus);
    }

    /// <summary>20 ms have passed.</summary>
    public void Tick()
    {
        Array.Clear(_mix);
        foreach (var voice in _voices.Values)
        {
            voice.AddTo(_mix);
        }

        for (var i = 0; i < FrameSamples; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(_pcm.AsSpan(i * 2), (short)(Math.Clamp(_mix[i], -1, 1) * short.MaxValue));
        }

        _file?.Write(_pcm);
        _player?.StandardInput.BaseStream.Write(_pcm);
    }

    public void Dispose()
    {
        if (_file is not null)
        {
            WriteWavHeader(_file);
            _file.Dispose();
        }

        _player?.StandardInput.Close();
        _player?.WaitForExit();
        _player?.Dispose();
        foreach (var voice in _voices.Values)
        {
            voice.Dispose();
        }
    }

    private static void WriteWavHeader(FileStream file)
    {
        var data = (int)file.Length - 44;
        Span<byte> header = stackalloc byte[44];
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], data + 36);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], 16);
        BinaryPrimitives.WriteInt16LittleEndian(header[20..], 1);
        BinaryPrimitives.WriteInt16LittleEndian(header[22..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], 48_000);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], 96_000);
        BinaryPrimitives.WriteInt16LittleEndian(header[32..], 2);
        BinaryPrimitives.WriteInt16LittleEndian(header[34..], 16);
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], data);
        file.Position = 0;
        file.Write(header);
    }

    private sealed class Voice : IDisposable
    {
        private readonly IOpusDecoder _decoder = OpusCodecFactory.CreateDecoder(48_000, 1);
        private readonly Queue<float> _samples = [];
        private readonly float[] _frame = new float[5_760];
        private uint _next;
        private bool _started;
        private bool _flows;

        public long Lost { get; private set; }

        public void Receive(uint sequence, ReadOnlySpan<byte> opus)
        {
            var gap = _started ? (int)(sequence - _next) : 0;
            if (gap < 0)
            {
                return;
            }

            // Up to five lost frames are concealed; a longer gap is heard as one.
            for (var i = 0; i < Math.Min(gap, 5); i++)
            {
                Keep(_decoder.Decode([], _frame, FrameSamples));
            }

            Lost += gap;
            (_started, _next) = (true, sequence + 1);
            try
            {
                Keep(_decoder.Decode(opus, _frame, _frame.Length));
            }
            catch (OpusException)
            {
                Lost++;
            }
        }

        public void AddTo(float[] mix)
        {
            _flows = _samples.Count >= (_flows ? FrameSamples : Depth * FrameSamples);
            for (var i = 0; _flows && i < FrameSamples; i++)
            {
                mix[i] += _samples.Dequeue();
            }

            // A clock that is faster than ours must not make the delay grow.
            while (_samples.Count > 3 * Depth * FrameSamples)
            {
                _samples.Dequeue();
            }
        }

        public void Dispose() => _decoder.Dispose();

        private void Keep(int samples)
        {
            foreach (var sample in _frame.AsSpan(0, samples))
            {
                _samples.Enqueue(sample);
            }
        }
    }
}
