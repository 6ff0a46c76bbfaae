namespace VoiceCluster.Engine.Tests.Timers;

public interface ITimerGrain : IGrainWithStringKey
{
    Task StartAsync(TimeSpan due, TimeSpan period, bool interleave, bool keepAlive);

    Task ChangeAsync(TimeSpan due, TimeSpan period);

    Task StopAsync();

    Task HoldAsync();

    Task EndAsync();

    Task PingAsync();
}

public sealed class TimerGrain : Grain, ITimerGrain
{
    private IGrainTimer? _timer;

    private Probe Probe => Probe.Of(this.GetPrimaryKeyString());

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Probe.Add($"ended {reason.ReasonCode}");
        return Task.CompletedTask;
    }

    public Task StartAsync(TimeSpan due, TimeSpan period, bool interleave, bool keepAlive)
    {
        _timer = this.RegisterGrainTimer(
            static (probe, _) =>
            {
                probe.Increment();
                probe.Add("tick");
                return probe.Count == 2 ? throw new InvalidOperationException("a tick fails") : Task.CompletedTask;
            },
            Probe,
            new GrainTimerCreationOptions { DueTime = due, Period = period, Interleave = interleave, KeepAlive = keepAlive });
        return Task.CompletedTask;
    }

    public Task ChangeAsync(TimeSpan due, TimeSpan period)
    {
        _timer!.Change(due, period);
        return Task.CompletedTask;
    }

    public Task StopAsync()
    {
        _timer!.Dispose();
        return Task.CompletedTask;
    }

    public async Task HoldAsync()
    {
        Probe.Add("holds");
        await Probe.Gate;
        Probe.Add("released");
    }

    public Task EndAsync()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public Task PingAsync() => Task.CompletedTask;
}

public interface IReminderGrain : IGrainWithStringKey
{
    Task SetAsync(string name, TimeSpan due, TimeSpan period);

    Task<bool> RemoveAsync(string name);

    Task<string[]> ListAsync();
}

public sealed class ReminderGrain : Grain, IReminderGrain, IRemindable
{
    public ReminderGrain() => Probe.Of(this.GetPrimaryKeyString()).Add("activated");

    public Task SetAsync(string name, TimeSpan due, TimeSpan period) => this.RegisterOrUpdateReminder(name, due, period);

    public async Task<bool> RemoveAsync(string name)
    {
        if (await this.GetReminder(name) is not { } reminder)
        {
            return false;
        }

        await this.UnregisterReminder(reminder);
        return true;
    }

    public async Task<string[]> ListAsync() => [.. (await this.GetReminders()).Select(r => r.ReminderName).Order()];

    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        var probe = Probe.Of(this.GetPrimaryKeyString());
        probe.Add($"{reminderName} {(status.CurrentTickTime - status.FirstTickTime).TotalMinutes}");
        probe.Increment();
        return Task.CompletedTask;
    }
}
