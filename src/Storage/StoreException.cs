namespace VoiceCluster.Storage;

/// <summary>The store could not do it: it is away, full or broken. Nothing was changed.</summary>
public sealed class StoreException(string message, Exception? inner = null) : Exception(message, inner);
