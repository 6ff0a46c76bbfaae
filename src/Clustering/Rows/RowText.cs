using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VoiceCluster.Clustering.Rows;

/// <summary>Rows as text. Unknown members are passed over, so that two builds share a table while they are exchanged.</summary>
internal static partial class RowText
{
    /// <summary>What a table that nobody has written yet reads as, and so does one that was lost.</summary>
    public static TableVersion EmptyVersion { get; } = new(0, "0");

    /// <summary>
    /// A new ETag. Not a counter: a table that was lost and made anew must not match an ETag of its earlier life.
    /// </summary>
    public static string NewETag() => Guid.NewGuid().ToString("N");

    /// <summary>A row without its silo, which is the key.</summary>
    public static string Write(MembershipEntry entry) => JsonSerializer.Serialize(
        new Row
        {
            Status = (int)entry.Status,
            SuspectTimes = Suspects(entry),
            ProxyPort = entry.ProxyPort,
            HostName = entry.HostName,
            SiloName = entry.SiloName,
            RoleName = entry.RoleName,
            UpdateZone = entry.UpdateZone,
            FaultZone = entry.FaultZone,
            StartTime = Utc(entry.StartTime),
            IAmAliveTime = Utc(entry.IAmAliveTime),
        },
        RowJson.Default.Row);

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="MembershipTableException">It is something else.</exception>
    public static MembershipEntry Read(string silo, string text)
    {
        try
        {
            var row = JsonSerializer.Deserialize(text, RowJson.Default.Row) ?? throw new JsonException("The row is null.");
            return new MembershipEntry
            {
                SiloAddress = Silo(silo),
                Status = (SiloStatus)row.Status,
                SuspectTimes = row.SuspectTimes?.ConvertAll(s => Tuple.Create(Silo(s.Silo), Utc(s.Time))),
                ProxyPort = row.ProxyPort,
                HostName = row.HostName,
                SiloName = row.SiloName,
                RoleName = row.RoleName,
                UpdateZone = row.UpdateZone,
                FaultZone = row.FaultZone,
                StartTime = Utc(row.StartTime),
                IAmAliveTime = Utc(row.IAmAliveTime),
            };
        }
        catch (JsonException e)
        {
            throw Unreadable(silo, e);
        }
    }

    /// <summary>The votes alone, or null.</summary>
    public static string? WriteSuspects(MembershipEntry entry) =>
        entry.SuspectTimes is null ? null : JsonSerializer.Serialize(Suspects(entry)!, RowJson.Default.ListSuspect);

    /// <summary>Reads what <see cref="WriteSuspects"/> wrote.</summary>
    /// <exception cref="MembershipTableException">It is something else.</exception>
    public static List<Tuple<SiloAddress, DateTime>>? ReadSuspects(string silo, string? text)
    {
        try
        {
            return text is null
                ? null
                : JsonSerializer.Deserialize(text, RowJson.Default.ListSuspect)?.ConvertAll(s => Tuple.Create(Silo(s.Silo), Utc(s.Time)));
        }
        catch (JsonException e)
        {
            throw Unreadable(silo, e);
        }
    }

    /// <summary>A silo's address.</summary>
    /// <exception cref="MembershipTableException">It is none.</exception>
    public static SiloAddress Silo(string text)
    {
        try
        {
            return SiloAddress.FromParsableString(text);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw Unreadable(text, e);
        }
    }

    /// <summary>A moment such that text order is time order.</summary>
    public static string WriteTime(DateTime time) => Utc(time).ToString("O", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="WriteTime"/> wrote.</summary>
    /// <exception cref="MembershipTableException">It is something else.</exception>
    public static DateTime ReadTime(string silo, string text) =>
        DateTime.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time) ? Utc(time) : throw Unreadable(silo, null);

    /// <summary>A moment as UTC; what says nothing about itself is taken for UTC.</summary>
    public static DateTime Utc(DateTime time) =>
        time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : DateTime.SpecifyKind(time, DateTimeKind.Utc);

    /// <summary>The later of the two signs of life of a row.</summary>
    public static DateTime LastSign(MembershipEntry entry) => entry.IAmAliveTime > entry.StartTime ? entry.IAmAliveTime : entry.StartTime;

    private static List<Suspect>? Suspects(MembershipEntry entry) =>
        entry.SuspectTimes?.ConvertAll(s => new Suspect { Silo = s.Item1.ToParsableString(), Time = Utc(s.Item2) });

    private static MembershipTableException Unreadable(string row, Exception? cause) =>
        new($"The membership table's row {row} cannot be read; was it written by another program?", cause);

    /// <summary>A vote.</summary>
    internal sealed class Suspect
    {
        public string Silo { get; set; } = "";

        public DateTime Time { get; set; }
    }

    /// <summary>A row.</summary>
    internal sealed class Row
    {
        public int Status { get; set; }

        public List<Suspect>? SuspectTimes { get; set; }

        public int ProxyPort { get; set; }

        public string? HostName { get; set; }

        public string? SiloName { get; set; }

        public string? RoleName { get; set; }

        public int UpdateZone { get; set; }

        public int FaultZone { get; set; }

        public DateTime StartTime { get; set; }

        public DateTime IAmAliveTime { get; set; }
    }

    [JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
    [JsonSerializable(typeof(Row))]
    [JsonSerializable(typeof(List<Suspect>))]
    private sealed partial class RowJson : JsonSerializerContext;
}
