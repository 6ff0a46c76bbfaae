using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>Anything that can be called by reference: a grain or an observer.</summary>
    public interface IAddressable
    {
    }

    /// <summary>The runtime's side of one activation.</summary>
    public interface IGrainContext
    {
        /// <summary>The grain's id.</summary>
        GrainId GrainId { get; }

        /// <summary>A reference to the grain.</summary>
        GrainReference GrainReference { get; }

        /// <summary>The grain object, or null before it is made.</summary>
        object? GrainInstance { get; }

        /// <summary>Services of this activation's scope.</summary>
        IServiceProvider ActivationServices { get; }

        /// <summary>Where the activation's parts take part in its start and end.</summary>
        IGrainLifecycle ObservableLifecycle { get; }

        /// <summary>Starts the activation's end once its running requests have ended.</summary>
        void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default);

        /// <summary>Ends when the activation has ended.</summary>
        Task Deactivated { get; }
    }
}

namespace Orleans
{
    /// <summary>Marks grain interfaces.</summary>
    public interface IGrain : IAddressable
    {
    }

    /// <summary>A grain whose key is text.</summary>
    public interface IGrainWithStringKey : IGrain
    {
    }

    /// <summary>A grain whose key is a Guid.</summary>
    public interface IGrainWithGuidKey : IGrain
    {
    }

    /// <summary>A grain whose key is a number.</summary>
    public interface IGrainWithIntegerKey : IGrain
    {
    }

    /// <summary>A grain whose key is a Guid and text.</summary>
    public interface IGrainWithGuidCompoundKey : IGrain
    {
    }

    /// <summary>A grain whose key is a number and text.</summary>
    public interface IGrainWithIntegerCompoundKey : IGrain
    {
    }

    /// <summary>Marks interfaces of objects that receive calls outside any grain. Methods return Task, ValueTask, or void.</summary>
    public interface IGrainObserver : IAddressable
    {
    }

    /// <summary>What every grain class is, whether or not it derives from <see cref="Grain"/>.</summary>
    public interface IGrainBase
    {
        /// <summary>The activation's context.</summary>
        IGrainContext GrainContext { get; }

        /// <summary>Called before the first request.</summary>
        Task OnActivateAsync(CancellationToken token) => Task.CompletedTask;

        /// <summary>Called after the last request.</summary>
        Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token) => Task.CompletedTask;
    }

    /// <summary>Makes references. It makes no grain: grains exist virtually and are activated by calls.</summary>
    public interface IGrainFactory
    {
        /// <summary>A reference to the grain with a Guid key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithGuidKey;

        /// <summary>A reference to the grain with a number as key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithIntegerKey;

        /// <summary>A reference to the grain with a text key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithStringKey;

        /// <summary>A reference to the grain with a Guid and text as key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string keyExtension, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithGuidCompoundKey;

        /// <summary>A reference to the grain with a number and text as key.</summary>
        TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string keyExtension, string? grainClassNamePrefix = null)
            where TGrainInterface : IGrainWithIntegerCompoundKey;

        /// <summary>A reference to the grain with that id.</summary>
        TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
            where TGrainInterface : IAddressable;

        /// <summary>A reference to the grain of an interface with a Guid key.</summary>
        IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey);

        /// <summary>A reference to the grain of an interface with a number as key.</summary>
        IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey);

        /// <summary>A reference to the grain of an interface with a text key.</summary>
        IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey);

        /// <summary>A reference to the grain of an interface with a Guid and text as key.</summary>
        IGrain GetGrain(Type grainInterfaceType, Guid grainPrimaryKey, string keyExtension);

        /// <summary>A reference to the grain of an interface with a number and text as key.</summary>
        IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey, string keyExtension);

        /// <summary>
        /// A reference to a local object. The runtime holds the object weakly: keep it alive as long as calls may come.
        /// </summary>
        TGrainObserverInterface CreateObjectReference<TGrainObserverInterface>(IGrainObserver obj)
            where TGrainObserverInterface : IGrainObserver;

        /// <summary>Ends a reference made by <see cref="CreateObjectReference"/>; later calls to it fail.</summary>
        void DeleteObjectReference<TGrainObserverInterface>(IGrainObserver obj)
            where TGrainObserverInterface : IGrainObserver;
    }

    /// <summary>A client of the cluster.</summary>
    public interface IClusterClient : IGrainFactory
    {
        /// <summary>The client's services.</summary>
        IServiceProvider ServiceProvider { get; }
    }
}
