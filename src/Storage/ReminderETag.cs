using System.Globalization;

namespace VoiceCluster.Storage;

/// <summary>ETags of reminders: a number, new in the world with each write.</summary>
internal static class ReminderETag
{
    /// <summary>Not a counter: a reminder that was removed and set anew must not match an ETag of its earlier life.</summary>
    public static long Next() => Random.Shared.NextInt64(1, long.MaxValue);

    /// <summary>As the engine sees it.</summary>
    public static string Write(long version) => version.ToString(CultureInfo.InvariantCulture);

    /// <summary>As the database has it; what is none of ours matches no row.</summary>
    public static long Parse(string etag) => long.TryParse(etag, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : -1;
}
