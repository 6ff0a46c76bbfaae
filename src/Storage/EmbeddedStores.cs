using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Storage;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage;

/// <summary>Adds the embedded database to a silo.</summary>
public static class EmbeddedStores
{
    /// <summary>The database's file in <c>Data:Path</c>.</summary>
    public const string FileName = "voicecluster.db";

    /// <summary>Keeps the named grain stores and the reminders in SQLite under <c>Data:Path</c> (default ./data).</summary>
    public static ISiloBuilder AddEmbeddedStores(this ISiloBuilder silo, params ReadOnlySpan<string> stores)
    {
        var folder = silo.Configuration["Data:Path"] is { Length: > 0 } path ? path : "data";
        silo.Services.AddSingleton(_ => new SqliteDatabase(Path.Combine(folder, FileName)));
        silo.Services.AddSingleton<SqliteStateStore>();
        silo.Services.AddSingleton<IStateStore>(services => services.GetRequiredService<SqliteStateStore>());
        silo.Services.AddSingleton<IReminderTable, SqliteReminderTable>();
        foreach (var store in stores)
        {
            silo.Services.AddKeyedSingleton<IGrainStorage>(store, (services, _) => new DurableGrainStorage(
                store, services.GetRequiredService<IStateStore>(), services.GetRequiredService<Serializer>(), keepsEvents: false));
        }

        return silo;
    }
}
