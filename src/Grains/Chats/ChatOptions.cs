using Microsoft.Extensions.Options;

namespace VoiceCluster.Grains.Chats;

/// <summary>Limits of chats, section <c>Chats</c>. How many members a chat has is <c>Calls:MaxChatMembers</c>.</summary>
public sealed class ChatOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Chats";

    /// <summary>The longest time that a chat with a duration may last. Default 10 years.</summary>
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromDays(3_650);

    /// <summary>Characters (UTF-16) of a message. Default 16,384.</summary>
    public int MaxTextLength { get; set; } = 16_384;

    /// <summary>Attachments of a message. Default 20.</summary>
    public int MaxAttachments { get; set; } = 20;

    /// <summary>Reactions to a message. Default 500.</summary>
    public int MaxReactions { get; set; } = 500;

    /// <summary>Messages of a page. Default 500.</summary>
    public int MaxPage { get; set; } = 500;
}

/// <summary>All faults of the options at once.</summary>
public sealed class ChatOptionsValidator : IValidateOptions<ChatOptions>
{
    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ChatOptions options)
    {
        List<string> faults = [];
        if (options.MaxDuration < TimeSpan.FromSeconds(1) || options.MaxDuration > TimeSpan.FromDays(36_500))
        {
            faults.Add($"Chats:MaxDuration is {options.MaxDuration}; it must be 1 s to 36500 days.");
        }

        Check(nameof(ChatOptions.MaxTextLength), options.MaxTextLength, 1, 262_144);
        Check(nameof(ChatOptions.MaxAttachments), options.MaxAttachments, 0, 1_000);
        Check(nameof(ChatOptions.MaxReactions), options.MaxReactions, 0, 100_000);
        Check(nameof(ChatOptions.MaxPage), options.MaxPage, 1, 5_000);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Check(string option, int value, int least, int most)
        {
            if (value < least || value > most)
            {
                faults.Add($"Chats:{option} is {value}; it must be {least} to {most}.");
            }
        }
    }
}
