namespace Orleans.Runtime;

/// <summary>Makes references; also the client of this process.</summary>
internal sealed class GrainFactory(CallRuntime runtime) : IClusterClient
{
    public IServiceProvider ServiceProvider => runtime.Services;

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithGuidKey => Make<TGrainInterface>(GrainKeys.Of(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithIntegerKey => Make<TGrainInterface>(GrainKeys.Of(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(primaryKey);
        return Make<TGrainInterface>(primaryKey, grainClassNamePrefix);
    }

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithGuidCompoundKey => Make<TGrainInterface>(GrainKeys.Of(primaryKey, keyExtension), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithIntegerCompoundKey => Make<TGrainInterface>(GrainKeys.Of(primaryKey, keyExtension), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
        where TGrainInterface : IAddressable => (TGrainInterface)(object)runtime.Caller.CreateReference(typeof(TGrainInterface), grainId);

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey) => Make(grainInterfaceType, GrainKeys.Of(grainPrimaryKey));

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) => Make(grainInterfaceType, GrainKeys.Of(grainPrimaryKey));

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => Make(grainInterfaceType, grainPrimaryKey);

    public IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension) => Make(grainInterfaceType, GrainKeys.Of(grainPrimaryKey, keyExtension));

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension) => Make(grainInterfaceType, GrainKeys.Of(grainPrimaryKey, keyExtension));

    public TGrainObserverInterface CreateObjectReference<TGrainObserverInterface>(IGrainObserver obj)
        where TGrainObserverInterface : IGrainObserver
    {
        ArgumentNullException.ThrowIfNull(obj);
        if (obj is GrainReference || obj is IGrainBase)
        {
            throw new ArgumentException("Only plain objects can be observers: not references, and not grains.", nameof(obj));
        }

        return (TGrainObserverInterface)(object)runtime.Caller.CreateReference(typeof(TGrainObserverInterface), runtime.Observers.Add(obj));
    }

    public void DeleteObjectReference<TGrainObserverInterface>(IGrainObserver obj)
        where TGrainObserverInterface : IGrainObserver
    {
        if (obj is not GrainReference reference)
        {
            throw new ArgumentException("Give the reference that CreateObjectReference made.", nameof(obj));
        }

        runtime.Observers.Remove(reference.GrainId);
    }

    private IGrain Make(Type grainInterface, string key) =>
        (IGrain)runtime.Caller.CreateReference(grainInterface, GrainId.Create(runtime.Resolve(grainInterface, null), key));

    private TGrainInterface Make<TGrainInterface>(string key, string? prefix)
        where TGrainInterface : IAddressable
    {
        var type = runtime.Resolve(typeof(TGrainInterface), prefix);
        return GetGrain<TGrainInterface>(GrainId.Create(type, key));
    }
}
