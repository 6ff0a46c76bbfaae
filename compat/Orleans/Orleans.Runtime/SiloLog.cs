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

    [LoggerMessage(1010, LogLevel.Warning, "A one-way call of {Peer} was not understood")]
    public partial void OneWayNotUnderstood(Exception exception, string peer);

    [LoggerMessage(1020, LogLevel.Information, "{Silo} is {Status}; {Count} silos serve (view {Version})")]
    public partial void ViewChanged(SiloAddress silo, SiloStatus status, int count, long version);

    [LoggerMessage(1021, LogLevel.Warning, "The membership table cannot be reached; the cluster goes on as it is")]
    public partial void TableAway(Exception exception);

    [LoggerMessage(1022, LogLevel.Information, "The membership table answers again")]
    public partial void TableBack();

    [LoggerMessage(1023, LogLevel.Warning, "{Silo} does not answer ({Missed} probes missed): voting it dead")]
    public partial void Suspecting(SiloAddress silo, int missed);

    [LoggerMessage(1024, LogLevel.Warning, "{Silo} is dead by {Votes} votes")]
    public partial void DeclaredDead(SiloAddress silo, int votes);

    [LoggerMessage(1025, LogLevel.Critical, "This silo, {Silo}, was declared dead by the others: it stops at once")]
    public partial void DeclaredDeadItself(SiloAddress silo);

    [LoggerMessage(1026, LogLevel.Warning, "This process stood still for {Time}: it asks the table whether it still belongs to the cluster")]
    public partial void StoodStill(TimeSpan time);

    [LoggerMessage(1027, LogLevel.Warning, "The connection with {Peer} was refused: {Reason}")]
    public partial void ConnectionRefused(string peer, string reason);

    [LoggerMessage(1028, LogLevel.Debug, "The connection with {Peer} has ended: {Reason}")]
    public partial void ConnectionEnded(string peer, string? reason);

    [LoggerMessage(1029, LogLevel.Debug, "Client {Client} has connected")]
    public partial void ClientConnected(string client);

    [LoggerMessage(1030, LogLevel.Debug, "Client {Client} has left")]
    public partial void ClientLeft(string client);

    [LoggerMessage(1031, LogLevel.Information, "{Count} activations go to other silos (view {Version})")]
    public partial void HandingOver(int count, long version);

    [LoggerMessage(1032, LogLevel.Warning, "{Silo} did not say in time that it has handed its grains over; they are activated here now")]
    public partial void HandoverMissed(SiloAddress silo);

    [LoggerMessage(1041, LogLevel.Debug, "{Silo} was asked for {Grain} and did not say that it has ended: its word for all is awaited")]
    public partial void NotReleased(Exception exception, GrainId grain, SiloAddress silo);

    [LoggerMessage(1033, LogLevel.Warning, "The membership table has lost its rows; they are written again")]
    public partial void TableLost();

    [LoggerMessage(1034, LogLevel.Warning, "The silo has not joined yet: {Reason}")]
    public partial void JoinDelayed(string reason);

    [LoggerMessage(1035, LogLevel.Warning, "No gateway answers: {Reason}")]
    public partial void NoGateway(string reason);

    [LoggerMessage(1037, LogLevel.Warning, "Reminders could not be read; those that are known go on")]
    public partial void RemindersNotRead(Exception exception);

    [LoggerMessage(1039, LogLevel.Warning, "The state of {Grain}, which was taken over from a silo that was declared dead, could not be compared with the store; it is tried again")]
    public partial void NotCompared(Exception exception, GrainId grain);

    [LoggerMessage(1038, LogLevel.Error, "The connection with {Peer} is closed, because what it said could not be handled")]
    public partial void ConnectionBroken(Exception exception, string peer);

    [LoggerMessage(1040, LogLevel.Warning, "The connection with {Peer} is closed, because it sent what is no frame: {Reason}")]
    public partial void NoFrame(string peer, string reason);

    [LoggerMessage(1041, LogLevel.Warning, "Neither the table nor another silo says whether this silo still belongs to the cluster: it stays silent until then")]
    public partial void StaysSilent();

    [LoggerMessage(1036, LogLevel.Information, "Connected to gateway {Gateway}")]
    public partial void GatewayConnected(string gateway);
}
