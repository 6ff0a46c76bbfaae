using Orleans.Concurrency;

namespace VoiceCluster.Abstractions.Users;

/// <summary>Which rooms a user may be in, keyed by the user's id. In memory: rooms repeat it with each lease, and it forgets what they do not.</summary>
[Alias("vc.IUserRoomsGrain")]
public interface IUserRoomsGrain : IGrainWithGuidKey
{
    /// <summary>A room has the user.</summary>
    [OneWay]
    Task NoteAsync(string room);

    /// <summary>Rooms that said within the last lease that they have the user. He may have left them since.</summary>
    Task<string[]> ListAsync();
}
