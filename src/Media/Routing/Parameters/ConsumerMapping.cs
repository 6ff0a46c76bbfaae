using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Routing.Parameters;

/// <summary>From the router's payload types and extension ids to those that a consumer's client knows.</summary>
internal sealed class ConsumerMapping
{
    /// <summary>The client does not receive this payload type.</summary>
    public const byte NotMapped = 0xFF;

    /// <summary>The highest id of a one-byte header extension (RFC 8285 §4.2).</summary>
    public const int MaxExtensionId = 14;

    private readonly byte[] _payloadTypes = new byte[128];
    private readonly byte[] _extensionIds = new byte[MaxExtensionId + 1];

    public ConsumerMapping() => Array.Fill(_payloadTypes, NotMapped);

    /// <summary>The client uses the router's own.</summary>
    public static ConsumerMapping Identity(RtpParameters parameters)
    {
        var mapping = new ConsumerMapping();
        foreach (var codec in parameters.Codecs)
        {
            mapping.Map(codec.PayloadType, codec.PayloadType);
        }

        foreach (var extension in parameters.HeaderExtensions)
        {
            mapping.MapExtension(extension.Uri, extension.Id, extension.Id);
        }

        return mapping;
    }

    public void Map(int router, int client) => _payloadTypes[router] = (byte)client;

    /// <summary>Notes an extension that is passed on as it came; those that are written anew for each receiver are left out.</summary>
    public void MapExtension(string uri, int router, int client)
    {
        if (uri is not (HeaderExtensionUris.Mid or HeaderExtensionUris.AbsSendTime or HeaderExtensionUris.TransportWideCc)
            && router <= MaxExtensionId && client <= MaxExtensionId)
        {
            _extensionIds[router] = (byte)client;
        }
    }

    public byte PayloadTypeOf(byte router) => _payloadTypes[router];

    /// <summary>The router's id of an extension that the client knows by this one; 0 when it is not passed on.</summary>
    public int RouterIdOf(int client) => client is 0 ? 0 : Math.Max(0, Array.IndexOf(_extensionIds, (byte)client));

    /// <summary>0: not passed on.</summary>
    public byte ExtensionIdOf(int router) => router <= MaxExtensionId ? _extensionIds[router] : (byte)0;
}
