using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Limits;

/// <summary>The limits of addresses and users. Doors with long connections ask it for each message, too.</summary>
public sealed class RequestLimits
{
    private readonly bool _enabled;
    private readonly TokenBuckets _addresses;
    private readonly TokenBuckets _users;
    private readonly TimeProvider _time;
    private readonly long _started;

    public RequestLimits(IOptions<RateLimitOptions> options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        var value = options.Value;
        _enabled = value.Enabled;
        _addresses = new TokenBuckets(value.AddressBurst, value.AddressPerSecond, value.MaxTracked);
        _users = new TokenBuckets(value.UserBurst, value.UserPerSecond, value.MaxTracked);
        _time = time;
        _started = time.GetTimestamp();
    }

    /// <summary>Counts a request of an address.</summary>
    public bool TryAddress(IPAddress? address, out TimeSpan retryAfter) => TryTake(_addresses, KeyOf(address), out retryAfter);

    /// <summary>Counts a request of a user.</summary>
    public bool TryUser(Guid userId, out TimeSpan retryAfter)
        => TryTake(_users, BinaryPrimitives.ReadUInt128BigEndian(userId.ToByteArray(bigEndian: true)), out retryAfter);

    /// <summary>An IPv4 address counts alone; an IPv6 one by its /64, the least that a subscriber has (RFC 6177 §2).</summary>
    internal static UInt128 KeyOf(IPAddress? address)
    {
        if (address is null)
        {
            return UInt128.Zero;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = plain.GetAddressBytes();
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : new UInt128(BinaryPrimitives.ReadUInt64BigEndian(bytes), ulong.MaxValue);
    }

    private bool TryTake(TokenBuckets buckets, UInt128 key, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        return !_enabled || buckets.TryTake(key, _time.GetElapsedTime(_started), out retryAfter);
    }
}
