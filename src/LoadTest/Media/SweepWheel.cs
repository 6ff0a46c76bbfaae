namespace VoiceCluster.LoadTest.Media;

/// <summary>What a <see cref="SweepWheel{T}"/> holds.</summary>
internal interface ISwept<T>
    where T : class
{
    /// <summary>When it is due, in microseconds.</summary>
    long SweepAt { get; }

    /// <summary>The wheel's own: the next of the same place.</summary>
    T? NextOfPlace { get; set; }
}

/// <summary>
/// Which link is to be looked at when: places of some milliseconds, each with a chain of links. Taking and placing cost the same
/// however many links there are, and links stay spread over time as they joined.
/// </summary>
internal sealed class SweepWheel<T>
    where T : class, ISwept<T>
{
    /// <summary>The longest time between two looks is a second, and a place has a millisecond at least.</summary>
    public const int Places = 1_024;

    private readonly T?[] _places = new T?[Places];
    private long _next;

    /// <param name="now">Microseconds.</param>
    /// <param name="width">Microseconds of a place.</param>
    public SweepWheel(long now, long width)
    {
        Width = width;
        _next = now / width;
    }

    /// <summary>Microseconds of a place.</summary>
    public long Width { get; }

    /// <summary>Places a link that is in no place: at <see cref="ISwept{T}.SweepAt"/>, or as near to it as the wheel goes.</summary>
    public void Add(T link)
    {
        ref var first = ref _places[(int)(Math.Clamp(link.SweepAt / Width, _next, _next + Places - 1) % Places)];
        link.NextOfPlace = first;
        first = link;
    }

    /// <summary>Takes a link that is due, or null. One that is placed again must be due a place later at least.</summary>
    public T? TakeDue(long now)
    {
        for (; _next <= now / Width; _next++)
        {
            ref var first = ref _places[(int)(_next % Places)];
            if (first is { } link)
            {
                first = link.NextOfPlace;
                link.NextOfPlace = null;
                return link;
            }
        }

        return null;
    }

    /// <summary>When to call <see cref="TakeDue"/> again: the next place with links, or the wheel's end.</summary>
    public long NextDue()
    {
        var place = _next;
        while (place < _next + Places - 1 && _places[(int)(place % Places)] is null)
        {
            place++;
        }

        return place * Width;
    }
}
