using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Serialization;
using Orleans.Storage;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.PostgreSql;
using VoiceCluster.Storage.PostgreSql;
using VoiceCluster.Storage.Sqlite;

namespace VoiceCluster.Storage;

/// <summary>Adds the database to a silo: PostgreSQL when <c>DATABASE_URL</c> is set, else SQLite under <c>Data:Path</c>.</summary>
public static class DurableStores
{
    /// <summary>The embedded database's file in <c>Data:Path</c>.</summary>
    public const string FileName = "voicecluster.db";

    /// <summary>Keeps the named grain stores and the reminders, and, when an <see cref="OutboxSignal"/> is there, the events.</summary>
    /// <exception cref="OrleansConfigurationException">DATABASE_URL is wrong.</exception>
    public static ISiloBuilder AddDurableStores(this ISiloBuilder silo, params ReadOnlySpan<string> stores)
    {
        if (silo.Configuration["DATABASE_URL"] is { Length: > 0 } url)
        {
            AddPostgreSql(silo.Services, url);
        }
        else
        {
            AddSqlite(silo.Services, silo.Configuration["Data:Path"] is { Length: > 0 } path ? path : "data");
        }

        foreach (var store in stores)
        {
            silo.Services.AddKeyedSingleton<IGrainStorage>(store, (services, _) => new DurableGrainStorage(
                store, services.GetRequiredService<IStateStore>(), services.GetRequiredService<Serializer>(), services.GetService<OutboxSignal>()));
        }

        return silo;
    }

    private static void AddPostgreSql(IServiceCollection services, string url)
    {
        if (!DatabaseUrl.TryParse(url, out var connection, out var error))
        {
            throw new OrleansConfigurationException(error);
        }

        services.AddSingleton(s => PostgresDatabase.Open(connection, s.GetService<ILogger<PostgresDatabase>>()));
        services.AddSingleton<PostgresStateStore>();
        services.AddSingleton<IStateStore>(s => s.GetRequiredService<PostgresStateStore>());
        services.AddSingleton<IOutboxStore>(s => s.GetRequiredService<PostgresStateStore>());
        services.AddSingleton<ICallHistory, PostgresCallHistory>();
        services.AddSingleton<IChatMessageStore>(
            s => new PostgresChatMessages(s.GetRequiredService<PostgresDatabase>(), s.GetService<OutboxSignal>()));
        services.AddSingleton<IReminderTable, PostgresReminderTable>();
    }

    private static void AddSqlite(IServiceCollection services, string folder)
    {
        services.AddSingleton(_ => new SqliteDatabase(Path.Combine(folder, FileName)));
        services.AddSingleton<SqliteStateStore>();
        services.AddSingleton<IStateStore>(s => s.GetRequiredService<SqliteStateStore>());
        services.AddSingleton<IOutboxStore>(s => s.GetRequiredService<SqliteStateStore>());
        services.AddSingleton<ICallHistory, SqliteCallHistory>();
        services.AddSingleton<IChatMessageStore>(
            s => new SqliteChatMessages(s.GetRequiredService<SqliteDatabase>(), s.GetService<OutboxSignal>(), s.GetService<TimeProvider>()));
        services.AddSingleton<IReminderTable, SqliteReminderTable>();
    }
}
