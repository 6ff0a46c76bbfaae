namespace VoiceCluster.ApiFrontend.WebSockets;

/// <summary>
/// What a door does with one connection. The cluster knows a connection by a lease: it is taken when the connection opens,
/// renewed while it lives, and given back at its end. Calls that the cluster cannot answer may throw
/// <see cref="TimeoutException"/> or <see cref="OrleansException"/>.
/// </summary>
internal interface IMessageHandler
{
    /// <summary>How often the lease is renewed.</summary>
    TimeSpan RenewEvery { get; }

    /// <summary>What the client is told before its connection is closed because the process stops; null where the dialect has no events.</summary>
    byte[]? Farewell => null;

    /// <summary>Takes the lease. When it fails, the connection is closed.</summary>
    Task ConnectAsync();

    /// <summary>Renews the lease. When it fails, the next time tries again.</summary>
    Task RenewAsync();

    /// <summary>Gives the lease back. When it fails, the lease runs out by itself.</summary>
    Task DisconnectAsync();

    /// <summary>Carries out one message of the client, valid until the task ends; the next one waits for it.</summary>
    Task HandleAsync(ReadOnlyMemory<byte> utf8);
}
