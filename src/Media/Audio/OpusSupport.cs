using Concentus;

namespace VoiceCluster.Media.Audio;

/// <summary>Whether this process can decode and encode Opus. Forwarding needs neither.</summary>
public static class OpusSupport
{
    private static readonly Lazy<bool> Available = new(Probe);

    /// <summary>False where the system has no libopus: then there is no mix, and no level of senders without RFC 6464.</summary>
    public static bool IsAvailable => Available.Value;

    private static bool Probe()
    {
        try
        {
            OpusCodecFactory.CreateDecoder(8_000, 1).Dispose();
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return false;
        }
    }
}
