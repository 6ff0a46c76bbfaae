using Orleans.Runtime;

namespace Orleans
{
    /// <summary>
    /// A grain that receives reminders. While the cluster serves, each tick is told at least once. It may be told twice when a
    /// silo dies: nobody knows then whether it had told what was due a moment before. What was due while no silo served is
    /// told once, however often it was due.
    /// </summary>
    public interface IRemindable : IGrain
    {
        /// <summary>A reminder is due.</summary>
        Task ReceiveReminder(string reminderName, TickStatus status);
    }

    /// <summary>Where reminders are kept.</summary>
    public interface IReminderTable
    {
        /// <summary>Prepares the table.</summary>
        Task Init() => Task.CompletedTask;

        /// <summary>All reminders of a grain.</summary>
        Task<ReminderTableData> ReadRows(GrainId grainId);

        /// <summary>Reminders whose grain's hash is in (begin, end]; when begin ≥ end the range wraps around.</summary>
        Task<ReminderTableData> ReadRows(uint begin, uint end);

        /// <summary>One reminder, or null.</summary>
        Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName);

        /// <summary>Writes a reminder; answers its new ETag.</summary>
        Task<string> UpsertRow(ReminderEntry entry);

        /// <summary>Deletes a reminder if its ETag is the given one.</summary>
        Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag);

        /// <summary>Deletes everything.</summary>
        Task TestOnlyClearTable();
    }

    /// <summary>Rows of a reminder table.</summary>
    public sealed class ReminderTableData(IEnumerable<ReminderEntry> entries)
    {
        /// <summary>The rows.</summary>
        public IList<ReminderEntry> Reminders { get; } = [.. entries];
    }

    /// <summary>A row of a reminder table.</summary>
    [GenerateSerializer]
    public sealed class ReminderEntry
    {
        /// <summary>The grain that is reminded.</summary>
        [Id(0)]
        public GrainId GrainId { get; set; }

        /// <summary>The reminder's name.</summary>
        [Id(1)]
        public string ReminderName { get; set; } = "";

        /// <summary>When it is due first, UTC.</summary>
        [Id(2)]
        public DateTime StartAt { get; set; }

        /// <summary>The time between ticks.</summary>
        [Id(3)]
        public TimeSpan Period { get; set; }

        /// <summary>The row's version.</summary>
        [Id(4)]
        public string ETag { get; set; } = "";
    }

    /// <summary>Reminders of a grain.</summary>
    public static class GrainReminderExtensions
    {
        /// <summary>Sets a durable reminder.</summary>
        public static Task<IGrainReminder> RegisterOrUpdateReminder(this IGrainBase grain, string reminderName, TimeSpan dueTime, TimeSpan period) =>
            Registry(grain).RegisterOrUpdateReminder(grain.GrainContext.GrainId, reminderName, dueTime, period);

        /// <summary>Ends a reminder.</summary>
        public static Task UnregisterReminder(this IGrainBase grain, IGrainReminder reminder) =>
            Registry(grain).UnregisterReminder(grain.GrainContext.GrainId, reminder);

        /// <summary>The reminder of that name, or null.</summary>
        public static Task<IGrainReminder?> GetReminder(this IGrainBase grain, string reminderName) =>
            Registry(grain).GetReminder(grain.GrainContext.GrainId, reminderName);

        /// <summary>All reminders of the grain.</summary>
        public static Task<List<IGrainReminder>> GetReminders(this IGrainBase grain) =>
            Registry(grain).GetReminders(grain.GrainContext.GrainId);

        private static Timers.IReminderRegistry Registry(IGrainBase grain)
        {
            if (grain is not IRemindable)
            {
                throw new InvalidOperationException($"{grain.GetType()} must implement IRemindable to use reminders.");
            }

            return (Timers.IReminderRegistry?)grain.GrainContext.ActivationServices.GetService(typeof(Timers.IReminderRegistry))
                ?? throw new OrleansConfigurationException("No reminder service is configured; call UseInMemoryReminderService or another Use…ReminderService.");
        }
    }
}

namespace Orleans.Timers
{
    /// <summary>The silo's reminders.</summary>
    public interface IReminderRegistry
    {
        /// <summary>Sets a reminder.</summary>
        Task<IGrainReminder> RegisterOrUpdateReminder(GrainId callingGrainId, string reminderName, TimeSpan dueTime, TimeSpan period);

        /// <summary>Ends a reminder.</summary>
        Task UnregisterReminder(GrainId callingGrainId, IGrainReminder reminder);

        /// <summary>One reminder, or null.</summary>
        Task<IGrainReminder?> GetReminder(GrainId callingGrainId, string reminderName);

        /// <summary>All reminders of a grain.</summary>
        Task<List<IGrainReminder>> GetReminders(GrainId callingGrainId);
    }
}

namespace Orleans.Runtime
{
    /// <summary>A handle of a reminder.</summary>
    public interface IGrainReminder
    {
        /// <summary>Its name.</summary>
        string ReminderName { get; }
    }

    /// <summary>A tick of a reminder.</summary>
    [GenerateSerializer]
    public readonly struct TickStatus(DateTime firstTickTime, TimeSpan period, DateTime timeStamp)
    {
        /// <summary>When the first tick was due, UTC.</summary>
        [Id(0)]
        public DateTime FirstTickTime { get; } = firstTickTime;

        /// <summary>The time between ticks.</summary>
        [Id(1)]
        public TimeSpan Period { get; } = period;

        /// <summary>When this tick was sent, UTC.</summary>
        [Id(2)]
        public DateTime CurrentTickTime { get; } = timeStamp;
    }
}
