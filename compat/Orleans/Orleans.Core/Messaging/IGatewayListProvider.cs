using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Orleans.Configuration
{
    /// <summary>How clients find gateways.</summary>
    public class GatewayOptions
    {
        /// <summary>How often the list of gateways is read. Default 10 s (the official engine: 1 minute).</summary>
        public TimeSpan GatewayListRefreshPeriod { get; set; } = TimeSpan.FromSeconds(10);
    }
}

namespace Orleans.Messaging
{
    /// <summary>Where clients find the gateways of a cluster.</summary>
    public interface IGatewayListProvider
    {
        /// <summary>Is called once, before anything else.</summary>
        Task InitializeGatewayListProvider();

        /// <summary>The gateways, each as <c>gwy.tcp://ip:port/generation</c>.</summary>
        Task<IList<Uri>> GetGateways();

        /// <summary>How old the list may get before it is read again.</summary>
        TimeSpan MaxStaleness { get; }

        /// <summary>Whether the list can change.</summary>
        [Obsolete("This attribute is no longer used and all providers are considered updatable")]
        bool IsUpdatable { get; }
    }

    /// <summary>The gateways that a membership table shows: the active silos that listen for clients.</summary>
    public sealed class MembershipTableGatewayListProvider(IMembershipTable table, IOptions<GatewayOptions> options) : IGatewayListProvider
    {
        /// <inheritdoc/>
        public TimeSpan MaxStaleness => options.Value.GatewayListRefreshPeriod;

        /// <inheritdoc/>
        public bool IsUpdatable => true;

        /// <inheritdoc/>
        public Task InitializeGatewayListProvider() => table.InitializeMembershipTable(false);

        /// <inheritdoc/>
        public async Task<IList<Uri>> GetGateways()
        {
            var data = await table.ReadAll().ConfigureAwait(false);
            return [.. data.Members.Select(m => m.Item1)
                .Where(m => m is { Status: SiloStatus.Active, ProxyPort: > 0 })
                .Select(m => SiloAddress.New(new IPEndPoint(m.SiloAddress.Endpoint.Address, m.ProxyPort), m.SiloAddress.Generation).ToGatewayUri())];
        }
    }

    /// <summary>A gateway's address as a URI, <c>gwy.tcp://ip:port/generation</c>.</summary>
    public static class GatewayUri
    {
        private const string Scheme = "gwy.tcp";

        /// <summary>The URI of a gateway, whose endpoint is the one for clients.</summary>
        public static Uri ToGatewayUri(this SiloAddress gateway) =>
            new(string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{gateway.Endpoint}/{gateway.Generation}"));

        /// <summary>The gateway of a URI.</summary>
        /// <exception cref="FormatException">It is no gateway's URI.</exception>
        public static SiloAddress ToGatewayAddress(this Uri uri) =>
            uri.Scheme == Scheme
            && IPAddress.TryParse(uri.Host, out var address)
            && int.TryParse(uri.AbsolutePath.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var generation)
                ? SiloAddress.New(new IPEndPoint(address, uri.Port), generation)
                : throw new FormatException($"{uri} is no gateway's address of the form {Scheme}://ip:port/generation.");
    }
}
