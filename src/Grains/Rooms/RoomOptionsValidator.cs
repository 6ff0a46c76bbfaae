using Microsoft.Extensions.Options;

namespace VoiceCluster.Grains.Rooms;

/// <summary>Reports every fault of <see cref="RoomOptions"/> at once.</summary>
public sealed class RoomOptionsValidator : IValidateOptions<RoomOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, RoomOptions options)
    {
        string[] faults = [.. options.Validate()];
        return faults.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
