using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Messaging;

namespace VoiceCluster.Clustering;

/// <summary>The gateways in a table that nobody else uses: it is closed with the list.</summary>
internal sealed class OwnedGatewayList(MeteredMembershipTable table, IOptions<GatewayOptions> options) : IGatewayListProvider, IAsyncDisposable
{
    private readonly MembershipTableGatewayListProvider _list = new(table, options);

    /// <inheritdoc/>
    public TimeSpan MaxStaleness => _list.MaxStaleness;

    /// <inheritdoc/>
    public bool IsUpdatable => true;

    /// <inheritdoc/>
    public Task InitializeGatewayListProvider() => _list.InitializeGatewayListProvider();

    /// <inheritdoc/>
    public Task<IList<Uri>> GetGateways() => _list.GetGateways();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => table.DisposeAsync();
}
