namespace VoiceCluster.Faults.Tests.Simulation;

/// <summary>The reminders' table as one silo meets it.</summary>
internal sealed class FaultyReminders(IReminderTable table, Outage outage, string silo) : IReminderTable
{
    public Task<ReminderTableData> ReadRows(GrainId grainId) => outage.AskAsync(silo, () => table.ReadRows(grainId));

    public Task<ReminderTableData> ReadRows(uint begin, uint end) => outage.AskAsync(silo, () => table.ReadRows(begin, end));

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => outage.AskAsync(silo, () => table.ReadRow(grainId, reminderName));

    public Task<string> UpsertRow(ReminderEntry entry) => outage.AskAsync(silo, () => table.UpsertRow(entry));

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => outage.AskAsync(silo, () => table.RemoveRow(grainId, reminderName, eTag));

    public Task TestOnlyClearTable() => outage.AskAsync(silo, table.TestOnlyClearTable);
}
