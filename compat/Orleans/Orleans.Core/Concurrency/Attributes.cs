namespace Orleans.Concurrency
{
    /// <summary>Requests of this grain class may interleave at every await.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ReentrantAttribute : Attribute;

    /// <summary>This method may run beside any other request of the activation.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class AlwaysInterleaveAttribute : Attribute;

    /// <summary>This method changes nothing and may run beside other read-only ones.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class ReadOnlyAttribute : Attribute;

    /// <summary>The caller gets no answer: the call's task ends when the message is sent.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class OneWayAttribute : Attribute;

    /// <summary>A static predicate of the class, taking the request, that says whether it may interleave.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class MayInterleaveAttribute(string callbackMethodName) : Attribute
    {
        /// <summary>The predicate's name.</summary>
        public string CallbackMethodName => callbackMethodName;
    }

    /// <summary>The grain has no identity to speak of: each silo runs up to that many activations of it, for its own callers.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class StatelessWorkerAttribute : Orleans.Placement.PlacementAttribute
    {
        /// <summary>As many activations as the machine has processors.</summary>
        public StatelessWorkerAttribute()
            : this(-1)
        {
        }

        /// <summary>At most that many activations on a silo.</summary>
        public StatelessWorkerAttribute(int maxLocalWorkers) => MaxLocalWorkers = maxLocalWorkers > 0 ? maxLocalWorkers : Environment.ProcessorCount;

        /// <summary>Activations on one silo at most.</summary>
        public int MaxLocalWorkers { get; }
    }

    /// <summary>An argument that nobody changes, so that it is passed without a copy.</summary>
    [GenerateSerializer, Immutable]
    public readonly struct Immutable<T>(T value)
    {
        /// <summary>The argument.</summary>
        [Id(0)]
        public T Value { get; } = value;
    }

    /// <summary>Wraps arguments.</summary>
    public static class ImmutableExtensions
    {
        /// <summary>Promises that nobody changes the value.</summary>
        public static Immutable<T> AsImmutable<T>(this T value) => new(value);
    }
}

namespace Orleans.Placement
{
    /// <summary>Base of the attributes that say where a grain is activated.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public abstract class PlacementAttribute : Attribute;

    /// <summary>On a silo chosen at random.</summary>
    public sealed class RandomPlacementAttribute : PlacementAttribute;

    /// <summary>On the caller's silo.</summary>
    public sealed class PreferLocalPlacementAttribute : PlacementAttribute;

    /// <summary>On the silo that owns the key's hash.</summary>
    public sealed class HashBasedPlacementAttribute : PlacementAttribute;

    /// <summary>On a silo with few activations.</summary>
    public sealed class ActivationCountBasedPlacementAttribute : PlacementAttribute;
}

namespace Orleans
{
    /// <summary>The generator writes copying and serialization for this type.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum)]
    public sealed class GenerateSerializerAttribute : Attribute
    {
        /// <summary>Whether records' primary constructor parameters get ids by position.</summary>
        public bool IncludePrimaryConstructorParameters { get; init; } = true;
    }

    /// <summary>A member's stable number within its type.</summary>
    [AttributeUsage(AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Method)]
    public sealed class IdAttribute(uint id) : Attribute
    {
        /// <summary>The number.</summary>
        public uint Id => id;
    }

    /// <summary>A stable name on the wire, which outlives renaming.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Interface | AttributeTargets.Method)]
    public sealed class AliasAttribute(string alias) : Attribute
    {
        /// <summary>The name.</summary>
        public string Alias => alias;
    }

    /// <summary>Instances are never changed, so that local calls pass them by reference.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Interface | AttributeTargets.Enum | AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.Parameter)]
    public sealed class ImmutableAttribute : Attribute;

    /// <summary>How long callers wait for this method; the default is MessagingOptions.ResponseTimeout.</summary>
    [AttributeUsage(AttributeTargets.Method | AttributeTargets.Interface)]
    public sealed class ResponseTimeoutAttribute(string timeout) : Attribute
    {
        /// <summary>The time.</summary>
        public TimeSpan? Timeout { get; } = TimeSpan.Parse(timeout, System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The name of a grain class's type, instead of the one made from the class's name.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class GrainTypeAttribute(string type) : Attribute
    {
        /// <summary>The name.</summary>
        public string Type => type;
    }

    /// <summary>The grain class that references to an interface mean by default.</summary>
    [AttributeUsage(AttributeTargets.Interface)]
    public sealed class DefaultGrainTypeAttribute(string type) : Attribute
    {
        /// <summary>The grain type's name.</summary>
        public string Type => type;
    }
}

namespace Orleans.Runtime
{
    /// <summary>How long an activation of this class stays idle before it is collected.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CollectionAgeLimitAttribute : Attribute
    {
        /// <summary>Days of the limit.</summary>
        public double Days { get; init; }

        /// <summary>Hours of the limit.</summary>
        public double Hours { get; init; }

        /// <summary>Minutes of the limit.</summary>
        public double Minutes { get; init; }

        /// <summary>Whether it is never collected.</summary>
        public bool AlwaysActive { get; init; }

        /// <summary>The limit; infinite when always active.</summary>
        public TimeSpan AgeLimit => AlwaysActive
            ? System.Threading.Timeout.InfiniteTimeSpan
            : TimeSpan.FromDays(Days) + TimeSpan.FromHours(Hours) + TimeSpan.FromMinutes(Minutes);
    }

    /// <summary>A constructor parameter that is the grain's stored state.</summary>
    [AttributeUsage(AttributeTargets.Parameter)]
    public sealed class PersistentStateAttribute(string stateName, string? storageName = null) : Attribute
    {
        /// <summary>The state's name within the grain.</summary>
        public string StateName => stateName;

        /// <summary>The storage provider's name; null means the default one.</summary>
        public string? StorageName => storageName;
    }
}
