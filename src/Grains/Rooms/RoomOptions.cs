namespace VoiceCluster.Grains.Rooms;

/// <summary>Limits of a room, section <c>Rooms</c> of the configuration.</summary>
public sealed class RoomOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Rooms";

    /// <summary>Participants in one room; 1 to 100,000. Default 1,000.</summary>
    public int MaxParticipants { get; set; } = 1_000;

    /// <summary>Transports that one participant may have open; 1 to 64. Default 8.</summary>
    public int MaxTransportsPerParticipant { get; set; } = 8;

    /// <summary>Producers that one participant may have; 1 to 64. Default 16.</summary>
    public int MaxProducersPerParticipant { get; set; } = 16;

    /// <summary>Consumers of one producer that one participant may have; 1 to 64. Default 4.</summary>
    public int MaxConsumersPerProducer { get; set; } = 4;

    /// <summary>Slots for the loudest speakers that one participant may have; 1 to 64. Default 16.</summary>
    public int MaxSlotsPerParticipant { get; set; } = 16;

    /// <summary>Consumers of the mix that one participant may have; 1 to 64. Default 2.</summary>
    public int MaxMixesPerParticipant { get; set; } = 2;

    /// <summary>
    /// Speakers whose sound is forwarded to who consumes each producer, the loudest; 0 forwards everybody's. 0 to 64. Default 0.
    /// </summary>
    public int TopSpeakers { get; set; }

    /// <summary>Lists every fault, each with option, value and bound.</summary>
    public IEnumerable<string> Validate()
    {
        if (MaxParticipants is < 1 or > 100_000)
        {
            yield return $"Rooms:MaxParticipants is {MaxParticipants}; it must be 1 to 100,000.";
        }

        if (MaxTransportsPerParticipant is < 1 or > 64)
        {
            yield return $"Rooms:MaxTransportsPerParticipant is {MaxTransportsPerParticipant}; it must be 1 to 64.";
        }

        if (MaxProducersPerParticipant is < 1 or > 64)
        {
            yield return $"Rooms:MaxProducersPerParticipant is {MaxProducersPerParticipant}; it must be 1 to 64.";
        }

        if (MaxConsumersPerProducer is < 1 or > 64)
        {
            yield return $"Rooms:MaxConsumersPerProducer is {MaxConsumersPerProducer}; it must be 1 to 64.";
        }

        if (MaxSlotsPerParticipant is < 1 or > 64)
        {
            yield return $"Rooms:MaxSlotsPerParticipant is {MaxSlotsPerParticipant}; it must be 1 to 64.";
        }

        if (MaxMixesPerParticipant is < 1 or > 64)
        {
            yield return $"Rooms:MaxMixesPerParticipant is {MaxMixesPerParticipant}; it must be 1 to 64.";
        }

        if (TopSpeakers is < 0 or > 64)
        {
            yield return $"Rooms:TopSpeakers is {TopSpeakers}; it must be 0 to 64.";
        }
    }
}
