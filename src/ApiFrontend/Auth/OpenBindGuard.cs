using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Auth;

/// <summary>
/// Looks at what the server really listens on: addresses can come from elsewhere than <c>Http:Bind</c>, such as <c>--urls</c>.
/// Open mode on an address that others can reach ends the start.
/// </summary>
internal sealed class OpenBindGuard(IServer server, IOptions<AuthOptions> options) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var value = options.Value;
        if (value.Mode == AuthMode.Open && !value.AllowOpenOnPublicBind)
        {
            var reachable = server.Features.Get<IServerAddressesFeature>()?.Addresses
                .FirstOrDefault(address => !AuthOptions.IsLoopback(BindingAddress.Parse(address).Host.Trim('[', ']')));
            if (reachable is not null)
            {
                throw new OptionsValidationException(nameof(AuthOptions), typeof(AuthOptions),
                    [$"Auth:Mode is Open and the server listens on {reachable}, which others can reach; "
                    + "it must be a loopback address, or Auth:Mode Required, or Auth:AllowOpenOnPublicBind true."]);
            }
        }

        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
