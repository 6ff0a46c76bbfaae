using Orleans.Runtime;

namespace VoiceCluster.ApiFrontend.Tests.Rooms;

/// <summary>Makes calls of grains fail as those that were under way in a silo that died.</summary>
internal sealed class LostSilos
{
    private readonly Lock _lock = new();
    private (Type Interface, string Method, bool HasRun, int Times)? _next;

    /// <summary>Whether all that was asked for has happened.</summary>
    public bool IsOver
    {
        get
        {
            lock (_lock)
            {
                return _next is null;
            }
        }
    }

    /// <summary>The next so many calls of the method fail, before they run or when they have run.</summary>
    public void Lose(Type grainInterface, string method, bool hasRun, int times)
    {
        lock (_lock)
        {
            _next = (grainInterface, method, hasRun, times);
        }
    }

    /// <summary>The filter of a silo.</summary>
    public async Task FilterAsync(IIncomingGrainCallContext context)
    {
        bool hasRun;
        lock (_lock)
        {
            if (_next is not { } next || context.InterfaceMethod.DeclaringType != next.Interface || context.MethodName != next.Method)
            {
                hasRun = false;
            }
            else
            {
                _next = next.Times > 1 ? next with { Times = next.Times - 1 } : null;
                hasRun = next.HasRun;
                if (!hasRun)
                {
                    throw new SiloUnavailableException("The silo was lost before the call ran.");
                }
            }
        }

        await context.Invoke();
        if (hasRun)
        {
            throw new SiloUnavailableException("The silo was lost before it answered.");
        }
    }
}
