using Microsoft.Extensions.Logging;

namespace Orleans.Runtime;

/// <summary>What the silo logs.</summary>
internal sealed partial class SiloLog(ILogger<SiloLog> logger)
{
    [LoggerMessage(1000, LogLevel.Information, "Silo {Name} started")]
    public partial void Started(string name);

    [LoggerMessage(1001, LogLevel.Information, "Silo {Name} stopped")]
    public partial void Stopped(string name);

    [LoggerMessage(1002, LogLevel.Warning, "The silo stopped before {Count} activations had ended")]
    public partial void StopTimedOut(int count);

    [LoggerMessage(1003, LogLevel.Error, "A part of the silo failed to stop")]
    public partial void StopFailed(Exception exception);

    [LoggerMessage(1004, LogLevel.Error, "{Grain} could not be activated")]
    public partial void ActivationFailed(Exception exception, GrainId grain);

    [LoggerMessage(1005, LogLevel.Error, "{Grain} failed while it was deactivated")]
    public partial void DeactivationFailed(Exception exception, GrainId grain);

    [LoggerMessage(1006, LogLevel.Warning, "The one-way call {Grain}.{Method} failed")]
    public partial void OneWayFailed(Exception exception, GrainId grain, string method);

    [LoggerMessage(1009, LogLevel.Debug, "The one-way call {Method} found its object {Target} gone")]
    public partial void OneWayTargetGone(GrainId target, string method);

    [LoggerMessage(1007, LogLevel.Error, "A timer of {Grain} failed")]
    public partial void TimerFailed(Exception exception, GrainId grain);

    [LoggerMessage(1008, LogLevel.Error, "The reminder {Reminder} of {Grain} failed")]
    public partial void ReminderFailed(Exception exception, GrainId grain, string reminder);
}
