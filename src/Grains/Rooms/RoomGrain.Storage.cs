using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace VoiceCluster.Grains.Rooms;

/// <summary>
/// The room's state behind its requests: a request waits for the store, but only briefly, and not at all while the store is
/// known to be away. Nobody stops to talk, and nobody waits at the door, because of a database. What is not stored when
/// the silo is lost comes back with the doors' next renewals.
/// </summary>
public sealed partial class RoomGrain
{
    /// <summary>How long a request waits for the store, or for another grain that it can do without.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the end of an activation waits for it.</summary>
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(2);

    /// <summary>The one write under way.</summary>
    private Task _storing = Task.CompletedTask;

    /// <summary>Whether the state differs from what was last handed to the store.</summary>
    private bool _unsaved;
    private bool _isStoreAway;

    /// <summary>A write failed, so it is not known what the store has.</summary>
    private bool _isStoredUncertain;
    private InconsistentStateException? _conflict;

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_media.IsSuperseded)
        {
            return;
        }

        BeginToStore();
        await WaitAsync(_storing, LastPatience);
    }

    /// <summary>
    /// Hands what changed to the store. A store that is away stops nobody: the room goes on from memory, and maintenance
    /// writes again. A conflict is different: another activation owns the room, and this one must not go on.
    /// </summary>
    private async Task SaveAsync()
    {
        BeginToStore();
        if (!_isStoreAway && !await WaitAsync(_storing, Patience))
        {
            // Whoever comes next does not wait again for a store that hangs.
            _isStoreAway = true;
        }

        if (_conflict is { } conflict)
        {
            throw new InconsistentStateException(conflict.Message, conflict.StoredEtag ?? "", conflict.CurrentEtag ?? "", conflict);
        }
    }

    private void BeginToStore()
    {
        if (_unsaved && _storing.IsCompleted && _conflict is null)
        {
            _storing = StoreAsync();
        }
    }

    private async Task StoreAsync()
    {
        while (_unsaved && _conflict is null)
        {
            _unsaved = false;
            try
            {
                if (_isStoredUncertain)
                {
                    await LookAsync();
                    _isStoredUncertain = false;
                }

                if (!_room.IsEmpty)
                {
                    store.State = _state;
                    await store.WriteStateAsync();
                }
                else if (store.RecordExists)
                {
                    await store.ClearStateAsync();
                }

                _isStoreAway = false;
            }
            catch (InconsistentStateException e)
            {
                _conflict = e;
                LogLost(logger, e, _name);
                DeactivateOnIdle();
            }
            catch (Exception e)
            {
                _unsaved = true;
                _isStoreAway = true;
                _isStoredUncertain = true;
                LogStoreAway(logger, e, _name);
                return;
            }
        }
    }

    /// <summary>A write that failed may have been done all the same. The row is this activation's own unless its epoch is higher.</summary>
    private async Task LookAsync()
    {
        await store.ReadStateAsync();
        if (store.State.Epoch > _state.Epoch)
        {
            throw new InconsistentStateException($"Room {_name} was stored by epoch {store.State.Epoch}; this one is {_state.Epoch}.");
        }
    }

    /// <summary>Waits for work, but not for ever. False when it is not done by then.</summary>
    private async Task<bool> WaitAsync(Task work, TimeSpan patience)
    {
        if (!work.IsCompleted)
        {
            using var stop = new CancellationTokenSource();
            await Task.WhenAny(work, Task.Delay(patience, time, stop.Token));
            await stop.CancelAsync();
        }

        return work.IsCompleted;
    }

    [LoggerMessage(4015, LogLevel.Warning, "Room {Room}: the store does not take the state; it is written again later")]
    private static partial void LogStoreAway(ILogger logger, Exception exception, string room);

    [LoggerMessage(4019, LogLevel.Warning, "Room {Room}: another activation has stored the room; this one ends")]
    private static partial void LogLost(ILogger logger, Exception exception, string room);
}
