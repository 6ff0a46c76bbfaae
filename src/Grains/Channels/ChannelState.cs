using VoiceCluster.Abstractions.Channels;

namespace VoiceCluster.Grains.Channels;

/// <summary>A channel as it is stored. Bans outlive the channel's making and its deletion: its id is never another's.</summary>
[GenerateSerializer, Alias("vc.ChannelState")]
public sealed class ChannelState
{
    /// <summary>The channel, or null before it was made and after it was deleted.</summary>
    [Id(0)]
    public ChannelInfo? Channel { get; set; }

    /// <summary>Who may not come in, in the order of the bans.</summary>
    [Id(1)]
    public List<Guid> Banned { get; set; } = [];

    /// <summary>Who belongs to it beside the owner, in the order of their adding.</summary>
    [Id(2)]
    public List<Guid> Members { get; set; } = [];
}

/// <summary>All channels as they are stored.</summary>
[GenerateSerializer, Alias("vc.ChannelDirectoryState")]
public sealed class ChannelDirectoryState
{
    /// <summary>In the order of their making.</summary>
    [Id(0)]
    public List<ChannelInfo> Channels { get; set; } = [];
}
