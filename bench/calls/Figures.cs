namespace VoiceCluster.Bench.Calls;

/// <summary>Two users and their chat.</summary>
internal sealed record Pair(string Chat, CallClient Caller, CallClient Callee);

/// <summary>What a run at one level gave.</summary>
internal sealed class Figures
{
    private readonly Lock _gate = new();
    private string? _firstFailure;

    /// <summary>Milliseconds, sorted once finished.</summary>
    public List<double> Rings { get; } = [];

    public List<double> SetUps { get; } = [];

    public int Failures { get; private set; }

    public TimeSpan Elapsed { get; private set; }

    public void Add((double Ring, double SetUp) call)
    {
        lock (_gate)
        {
            Rings.Add(call.Ring);
            SetUps.Add(call.SetUp);
        }
    }

    public void Fail(Exception exception)
    {
        lock (_gate)
        {
            Failures++;
            _firstFailure ??= exception.Message;
        }
    }

    public void Finish(TimeSpan elapsed)
    {
        Elapsed = elapsed;
        Rings.Sort();
        SetUps.Sort();
        if (_firstFailure is not null)
        {
            Console.Error.WriteLine(_firstFailure);
        }
    }
}
