using Microsoft.Extensions.DependencyInjection;

namespace Orleans
{
    /// <summary>Called when a client has more or fewer gateways than before: silos came or went.</summary>
    public delegate void GatewayCountChangedHandler(object sender, GatewayCountChangedEventArgs e);

    /// <summary>How many gateways a client is connected to.</summary>
    public class GatewayCountChangedEventArgs(int currentNumberOfConnectedGateways, int previousNumberOfConnectedGateways) : EventArgs
    {
        /// <summary>Now.</summary>
        public int NumberOfConnectedGateways { get; } = currentNumberOfConnectedGateways;

        /// <summary>Before.</summary>
        public int PreviousNumberOfConnectedGateways { get; } = previousNumberOfConnectedGateways;

        /// <summary>Whether the cluster can be called again.</summary>
        public bool ConnectionRecovered => NumberOfConnectedGateways > 0 && PreviousNumberOfConnectedGateways <= 0;
    }
}

namespace Orleans.Hosting
{
    /// <summary>What a client can be told of its connections.</summary>
    public static class ClientBuilderExtensions
    {
        /// <summary>Adds a handler of changes in the number of gateways.</summary>
        public static IClientBuilder AddGatewayCountChangedHandler(this IClientBuilder builder, GatewayCountChangedHandler handler)
        {
            builder.Services.AddSingleton(handler);
            return builder;
        }
    }
}
