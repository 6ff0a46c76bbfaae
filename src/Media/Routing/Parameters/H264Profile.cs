using System.Globalization;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>The profile part of an H.264 profile-level-id (RFC 6184 §8.1, table 5).</summary>
internal enum H264Profile
{
    Unknown = 0,
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
    PredictiveHigh444,
}

internal static class H264ProfileLevelId
{
    /// <summary>What is meant when the field is absent (RFC 6184 §8.1): Baseline, level 1.</summary>
    private const string Absent = "42000a";

    // profile_idc, mask and value of profile-iop, by RFC 6184 table 5, most specific first.
    private static readonly (int Idc, int Mask, int Value, H264Profile Profile)[] Patterns =
    [
        (0x42, 0x4F, 0x40, H264Profile.ConstrainedBaseline),
        (0x4D, 0x8F, 0x80, H264Profile.ConstrainedBaseline),
        (0x58, 0xCF, 0xC0, H264Profile.ConstrainedBaseline),
        (0x42, 0x4F, 0x00, H264Profile.Baseline),
        (0x58, 0xCF, 0x80, H264Profile.Baseline),
        (0x4D, 0xAF, 0x00, H264Profile.Main),
        (0x64, 0xFF, 0x00, H264Profile.High),
        (0x64, 0xFF, 0x0C, H264Profile.ConstrainedHigh),
        (0xF4, 0xFF, 0x00, H264Profile.PredictiveHigh444),
    ];

    /// <summary>The profile of six hexadecimal digits; Unknown for anything else.</summary>
    public static H264Profile ProfileOf(string? profileLevelId)
    {
        var text = profileLevelId ?? Absent;
        if (text.Length != 6 || !int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number))
        {
            return H264Profile.Unknown;
        }

        var idc = number >> 16;
        var iop = (number >> 8) & 0xFF;
        foreach (var pattern in Patterns)
        {
            if (pattern.Idc == idc && (iop & pattern.Mask) == pattern.Value)
            {
                return pattern.Profile;
            }
        }

        return H264Profile.Unknown;
    }
}
