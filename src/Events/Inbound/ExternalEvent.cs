using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Events.Inbound;

/// <summary>
/// A message of another system: <c>channel.deleted {"channel_id"}</c> or <c>user.banned {"user_id", "channel_id"?}</c>, as
/// the whole message or as <c>data</c> of an envelope like ours. Other members are ignored.
/// </summary>
internal abstract record ExternalEvent
{
    public const string ChannelDeleted = "channel.deleted";
    public const string UserBanned = "user.banned";

    private const int MaxBytes = 64 * 1024;
    private const int MaxDepth = 16;
    private const int MaxChannelId = 256;

    public static IReadOnlyList<string> Subjects { get; } = [ChannelDeleted, UserBanned];

    /// <summary>Does what the message says.</summary>
    public abstract Task ApplyAsync(IExternalEvents cluster);

    /// <summary>Reads a message; the error says what is wrong with it, without showing it.</summary>
    public static bool TryParse(
        string subject, ReadOnlyMemory<byte> payload, [NotNullWhen(true)] out ExternalEvent? external, [NotNullWhen(false)] out string? error)
    {
        external = null;
        if (payload.Length > MaxBytes)
        {
            error = $"It has {payload.Length} bytes; {MaxBytes} are allowed.";
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return TryRead(subject, document.RootElement, out external, out error);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is what a string of broken UTF-8 or UTF-16 throws when it is read.
            error = "It is not valid JSON.";
            return false;
        }
    }

    private static bool TryRead(
        string subject, JsonElement root, [NotNullWhen(true)] out ExternalEvent? external, [NotNullWhen(false)] out string? error)
    {
        external = null;
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("data", out var data))
        {
            root = data;
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            error = "It is not a JSON object.";
            return false;
        }

        string? channelId = null;
        if (root.TryGetProperty("channel_id", out var channel) && channel.ValueKind != JsonValueKind.Null)
        {
            if (channel.ValueKind != JsonValueKind.String || channel.GetString() is not { Length: > 0 and <= MaxChannelId } text)
            {
                error = $"channel_id must be a string of 1 to {MaxChannelId} characters.";
                return false;
            }

            channelId = text;
        }

        if (subject == ChannelDeleted)
        {
            external = channelId is null ? null : new ChannelDeletion(channelId);
            error = external is null ? "channel_id is missing." : null;
            return external is not null;
        }

        if (!root.TryGetProperty("user_id", out var user) || user.ValueKind != JsonValueKind.String || !user.TryGetGuid(out var userId))
        {
            error = "user_id must be a UUID.";
            return false;
        }

        external = new UserBan(userId, channelId);
        error = null;
        return true;
    }

    private sealed record ChannelDeletion(string ChannelId) : ExternalEvent
    {
        public override Task ApplyAsync(IExternalEvents cluster) => cluster.ChannelDeletedAsync(ChannelId);
    }

    private sealed record UserBan(Guid UserId, string? ChannelId) : ExternalEvent
    {
        public override Task ApplyAsync(IExternalEvents cluster) => cluster.UserBannedAsync(UserId, ChannelId);
    }
}
