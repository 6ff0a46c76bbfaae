using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Workers;

/// <summary>
/// Source address → value, as an open-addressing table with linear probing and backward-shift deletion.
/// The hash is SipHash-1-3 under a random key, so that nobody can choose addresses that collide.
/// </summary>
/// <param name="capacity">Entries that fit; one more is refused.</param>
public sealed class TupleTable<T>(int capacity)
    where T : class
{
    private readonly ulong _key0 = RandomKey();
    private readonly ulong _key1 = RandomKey();
    private Slot[] _slots = new Slot[64];

    /// <summary>Entries now.</summary>
    public int Count { get; private set; }

    /// <summary>Finds the value of an address, or null.</summary>
    public T? Find(in TransportAddress address)
    {
        var slots = _slots;
        var mask = slots.Length - 1;
        for (var i = (int)Hash(address) & mask; ; i = (i + 1) & mask)
        {
            ref var slot = ref slots[i];
            if (slot.Value is null)
            {
                return null;
            }

            if (slot.Address == address)
            {
                return slot.Value;
            }
        }
    }

    /// <summary>Sets the value of an address, replacing what it had. False when the table is full.</summary>
    public bool TrySet(in TransportAddress address, T value)
    {
        var index = IndexOf(address);
        if (_slots[index].Value is null)
        {
            if (Count >= capacity)
            {
                return false;
            }

            // Half full at most: probes stay short.
            if ((Count + 1) * 2 > _slots.Length)
            {
                Grow();
                index = IndexOf(address);
            }

            Count++;
        }

        _slots[index] = new Slot { Address = address, Value = value };
        return true;
    }

    /// <summary>Removes an address if it still has <paramref name="value"/>.</summary>
    public bool Remove(in TransportAddress address, T value)
    {
        var mask = _slots.Length - 1;
        var hole = IndexOf(address);
        if (!ReferenceEquals(_slots[hole].Value, value))
        {
            return false;
        }

        for (var i = (hole + 1) & mask; _slots[i].Value is not null; i = (i + 1) & mask)
        {
            var home = (int)Hash(_slots[i].Address) & mask;
            if (((i - home) & mask) >= ((i - hole) & mask))
            {
                _slots[hole] = _slots[i];
                hole = i;
            }
        }

        _slots[hole] = default;
        Count--;
        return true;
    }

    /// <summary>The hash under this table's key, for tests.</summary>
    internal ulong HashOf(TransportAddress address) => Hash(address);

    private int IndexOf(in TransportAddress address)
    {
        var mask = _slots.Length - 1;
        var i = (int)Hash(address) & mask;
        while (_slots[i].Value is not null && _slots[i].Address != address)
        {
            i = (i + 1) & mask;
        }

        return i;
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new Slot[old.Length * 2];
        foreach (var slot in old)
        {
            if (slot.Value is not null)
            {
                _slots[IndexOf(slot.Address)] = slot;
            }
        }
    }

    /// <summary>SipHash-1-3 (Aumasson, Bernstein 2012) of the 18 bytes, as two words and a last one that holds port and length.</summary>
    private ulong Hash(in TransportAddress address)
    {
        var v0 = _key0 ^ 0x736f6d6570736575;
        var v1 = _key1 ^ 0x646f72616e646f6d;
        var v2 = _key0 ^ 0x6c7967656e657261;
        var v3 = _key1 ^ 0x7465646279746573;
        Absorb((ulong)(address.Address >> 64), ref v0, ref v1, ref v2, ref v3);
        Absorb((ulong)address.Address, ref v0, ref v1, ref v2, ref v3);
        Absorb((18UL << 56) | address.Port, ref v0, ref v1, ref v2, ref v3);
        v2 ^= 0xFF;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Absorb(ulong word, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v3 ^= word;
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
    }

    private static ulong RandomKey() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    private struct Slot
    {
        public TransportAddress Address;
        public T? Value;
    }
}
