using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Dtls;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>The system's libraries, tried by using them.</summary>
internal static class LibraryExamination
{
    private const string Part = "libraries";

    public static IEnumerable<Finding> Examine()
    {
        yield return ExamineOpenSsl();
        yield return OpusSupport.IsAvailable
            ? Finding.Good(Part, "libopus is there: the mix, and the levels of clients that send none")
            : Finding.Doubt(Part, "libopus is missing: there is no mix for clients with one audio section. Install libopus0 (Debian) or opus.");
    }

    private static Finding ExamineOpenSsl()
    {
        try
        {
            using DtlsContext context = new(DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)));
            return Finding.Good(Part, "OpenSSL 3 makes certificates and DTLS contexts");
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or TypeInitializationException or InvalidOperationException)
        {
            return Finding.Bad(Part, $"OpenSSL 3 does not work: {e.InnerException?.Message ?? e.Message} Install libssl3 (Debian) or openssl.");
        }
    }
}
