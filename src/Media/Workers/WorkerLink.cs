namespace VoiceCluster.Media.Workers;

/// <summary>One worker's end of its connection with another worker of the process. The pipes of all rooms that both have use it.</summary>
/// <param name="output">To the other worker; this one writes.</param>
/// <param name="input">From the other worker; this one reads.</param>
/// <param name="wakeOther">Ends the other thread's sleep, if it sleeps.</param>
public sealed class WorkerLink(DatagramRing output, DatagramRing input, Action wakeOther)
{
    /// <summary>To the other worker.</summary>
    public DatagramRing Output => output;

    /// <summary>From the other worker.</summary>
    public DatagramRing Input => input;

    /// <summary>The two ends of a new connection.</summary>
    public static (WorkerLink One, WorkerLink Other) Create(Action wakeOne, Action wakeOther, int capacity = DatagramRing.DefaultCapacity)
    {
        var forth = new DatagramRing(capacity);
        var back = new DatagramRing(capacity);
        return (new WorkerLink(forth, back, wakeOther), new WorkerLink(back, forth, wakeOne));
    }

    /// <summary>Shows the other worker what was written, and wakes it where that is needed.</summary>
    public void Flush()
    {
        if (output.Publish())
        {
            wakeOther();
        }
    }
}
