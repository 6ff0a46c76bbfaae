using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace VoiceCluster.ApiFrontend.Http;

/// <summary>
/// Cuts connections off that are still open some time after the process began to stop. Kestrel itself waits for clients as long
/// as the whole process may take to stop, and what stops after it would have no time left.
/// </summary>
internal static class ConnectionCutOff
{
    /// <summary>For every endpoint that is added after this.</summary>
    public static void CutOffAfterStop(this KestrelServerOptions kestrel, TimeSpan after)
    {
        IHostApplicationLifetime lifetime = kestrel.ApplicationServices.GetRequiredService<IHostApplicationLifetime>();
        var cutOff = new CancellationTokenSource(Timeout.InfiniteTimeSpan, kestrel.ApplicationServices.GetRequiredService<TimeProvider>());
        lifetime.ApplicationStopping.Register(() => cutOff.CancelAfter(after));
        kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => async connection =>
        {
            using CancellationTokenRegistration registration = cutOff.Token.UnsafeRegister(
                static c => ((ConnectionContext)c!).Abort(new ConnectionAbortedException("The server stops.")), connection);
            await next(connection).ConfigureAwait(false);
        }));
    }
}
