namespace VoiceCluster.LoadTest.Signalling;

/// <summary>A member of a room, whatever the door.</summary>
internal interface IMember : IAsyncDisposable
{
    /// <summary>Its streams flow from <paramref name="due"/> of the loop's clock on.</summary>
    Task StartMediaAsync(long due);
}
