namespace VoiceCluster.Standalone.Doctor;

/// <summary>How a finding is to be taken.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>It works, but perhaps not as meant.</summary>
    Doubtful,

    /// <summary>The process would not start, or clients would not connect.</summary>
    Bad,
}

/// <summary>Something that the doctor looked at.</summary>
/// <param name="Part">Of what: configuration, http, media, ice, libraries, store.</param>
/// <param name="Text">What is so; for a doubt or a fault also what mends it.</param>
internal sealed record Finding(Verdict Verdict, string Part, string Text)
{
    public static Finding Good(string part, string text) => new(Verdict.Good, part, text);

    public static Finding Doubt(string part, string text) => new(Verdict.Doubtful, part, text);

    public static Finding Bad(string part, string text) => new(Verdict.Bad, part, text);
}
