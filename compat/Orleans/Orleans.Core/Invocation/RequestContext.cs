namespace Orleans.Runtime;

/// <summary>Values that travel with calls, from the caller to everything that its call calls.</summary>
public static class RequestContext
{
    private static readonly AsyncLocal<Dictionary<string, object>?> Values = new();
    private static readonly AsyncLocal<Guid> Chain = new();

    /// <summary>
    /// The call chain that may come back into its own grains while set; empty for none. See
    /// <see cref="AllowCallChainReentrancy"/>.
    /// </summary>
    public static Guid ReentrancyId
    {
        get => Chain.Value;
        set => Chain.Value = value;
    }

    /// <summary>The values' names.</summary>
    public static IEnumerable<string> Keys => Values.Value?.Keys ?? Enumerable.Empty<string>();

    /// <summary>The value of that name, or null.</summary>
    public static object? Get(string key) => Values.Value?.GetValueOrDefault(key);

    /// <summary>Sets a value for the calls that follow.</summary>
    public static void Set(string key, object value)
    {
        // Copied on write: calls that are under way keep what they were sent with.
        Values.Value = new Dictionary<string, object>(Values.Value ?? []) { [key] = value };
    }

    /// <summary>Removes a value. False when there was none.</summary>
    public static bool Remove(string key)
    {
        if (Values.Value?.ContainsKey(key) != true)
        {
            return false;
        }

        var copy = new Dictionary<string, object>(Values.Value);
        copy.Remove(key);
        Values.Value = copy.Count == 0 ? null : copy;
        return true;
    }

    /// <summary>Removes every value.</summary>
    public static void Clear() => Values.Value = null;

    /// <summary>Calls made until disposal may come back into this grain, through any number of others, without waiting for it.</summary>
    public static ReentrancySection AllowCallChainReentrancy()
    {
        var before = ReentrancyId;
        var chain = before == Guid.Empty ? Guid.NewGuid() : before;
        ReentrancyId = chain;
        return new ReentrancySection(before, RuntimeContext.Current as IReentrantSections, chain);
    }

    /// <summary>Calls made until disposal may not come back into this grain.</summary>
    public static ReentrancySection SuppressCallChainReentrancy()
    {
        var before = ReentrancyId;
        ReentrancyId = Guid.Empty;
        return new ReentrancySection(before, null, Guid.Empty);
    }

    internal static Dictionary<string, object>? Export() => Values.Value;

    internal static void Import(Dictionary<string, object>? values, Guid reentrancyId)
    {
        // Writing an AsyncLocal costs an execution context: most calls carry nothing.
        if (!ReferenceEquals(Values.Value, values))
        {
            Values.Value = values;
        }

        if (Chain.Value != reentrancyId)
        {
            Chain.Value = reentrancyId;
        }
    }

    /// <summary>Restores the chain of before when disposed.</summary>
    public readonly struct ReentrancySection : IDisposable
    {
        private readonly Guid _before;
        private readonly IReentrantSections? _sections;
        private readonly Guid _chain;

        internal ReentrancySection(Guid before, IReentrantSections? sections, Guid chain)
        {
            _before = before;
            _sections = sections;
            _chain = chain;
            sections?.Enter(chain);
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            _sections?.Leave(_chain);
            ReentrancyId = _before;
        }
    }
}

/// <summary>The call chains that may come back into an activation while its requests run.</summary>
internal interface IReentrantSections
{
    /// <summary>Lets calls of the chain in.</summary>
    void Enter(Guid chain);

    /// <summary>Takes one <see cref="Enter"/> back.</summary>
    void Leave(Guid chain);
}
