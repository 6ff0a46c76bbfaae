using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Notifications;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Chats;

/// <summary>The shell of <see cref="Chat"/>. Of a running call it asks only what interleaves.</summary>
public sealed partial class ChatGrain(
    [PersistentState("chat", GrainStores.Chats)] IPersistentState<ChatState> store,
    ICallHistory history,
    IChatMessageStore messages,
    IOptions<CallOptions> options,
    IOptions<ChatOptions> chatOptions,
    TimeProvider time) : Grain, IChatGrain
{
    /// <summary>The longest page of calls.</summary>
    private const int MaxPage = 100;

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken) =>
        store.State.Calls.Count > 0 ? ImportCallsAsync() : Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<Outcome<ChatInfo>> CreateAsync(Guid creatorId, Guid[] memberIds)
    {
        if (store.State.Chat is not null)
        {
            return new Fault(FaultCode.Conflict, "The chat exists already.");
        }

        return await KeepAsync(Chat.Create(this.GetPrimaryKey(), creatorId, memberIds, time.GetUtcNow(), options.Value.MaxChatMembers));
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatInfo>> CreateSessionAsync(NewChat request)
    {
        if (store.State.Chat is not null)
        {
            return new Fault(FaultCode.Conflict, "The chat exists already.");
        }

        return await KeepAsync(Chat.Create(
            this.GetPrimaryKey(), request, time.GetUtcNow(), options.Value.MaxChatMembers, chatOptions.Value.MaxDuration));
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatInfo>> AddMemberAsync(Guid byUserId, ChatUser user)
    {
        if (Check(byUserId) is { } fault)
        {
            return fault;
        }

        var chat = Chat.AddMember(store.State.Chat!, user, options.Value.MaxChatMembers);
        if (chat.Fault is null && chat.Value != store.State.Chat)
        {
            var now = time.GetUtcNow();
            await SaveAsync(state =>
            {
                state.Chat = chat.Value;
                state.PendingEvents.Add(new ChatMemberJoinedEvent(Guid.CreateVersion7(now), now, this.GetPrimaryKey(), user.UserId, byUserId));
            });
            await TellAsync([new ChatJoinedNotification(this.GetPrimaryKey(), user)]);
        }

        return chat;
    }

    /// <inheritdoc/>
    public async Task<Outcome<ChatInfo>> GetAsync(Guid userId)
    {
        if (Chat.CheckMembers(store.State.Chat, userId) is { } fault)
        {
            return fault;
        }

        var active = await ClaimSlot.FindBlockingAsync(GrainFactory, store.State.Claim, null);
        return store.State.Chat! with { ActiveCallId = active?.CallId };
    }

    /// <inheritdoc/>
    public async Task<Outcome<ClaimResult>> TryEnterCallAsync(CallClaim claim)
    {
        if (Chat.CheckMembers(store.State.Chat, claim.UserIds) is { } fault)
        {
            return fault;
        }

        if (await ClaimSlot.FindBlockingAsync(GrainFactory, store.State.Claim, claim.CallId) is { } blocking)
        {
            return new ClaimResult(blocking);
        }

        await SaveAsync(state => state.Claim = claim);
        return new ClaimResult(null);
    }

    /// <inheritdoc/>
    public Task LeaveCallAsync(Guid callId)
    {
        if (store.State.Claim?.CallId == callId)
        {
            // Not written: a stored claim of a call that is over or never began is disproved by asking the call.
            store.State.Claim = null;
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<Outcome<CallPage>> GetCallsAsync(Guid userId, CallPageRequest page)
    {
        if (Chat.CheckMembers(store.State.Chat, userId) is { } fault)
        {
            return fault;
        }

        if (page.Limit is < 1 or > MaxPage)
        {
            return new Fault(FaultCode.Invalid, $"A page has 1 to {MaxPage} calls.");
        }

        return await history.ReadAsync(this.GetPrimaryKey(), page, CancellationToken.None);
    }

    /// <summary>Stores a new chat, and tells its members.</summary>
    private async Task<Outcome<ChatInfo>> KeepAsync(Outcome<ChatInfo> chat)
    {
        if (chat.Value is { } made)
        {
            await SaveAsync(state =>
            {
                state.Chat = made;
                state.PendingEvents.Add(new ChatCreatedEvent(
                    Guid.CreateVersion7(made.CreatedAt), made.CreatedAt, made.Id, made.CreatedBy, made.MemberIds));
            });
            await TellAsync([new ChatCreatedNotification(made)]);
        }

        return chat;
    }

    /// <summary>Calls that an earlier version kept in this state go to the history. One that never began is nowhere.</summary>
    private async Task ImportCallsAsync()
    {
        List<CallInfo> calls = [];
        foreach (var remembered in store.State.Calls)
        {
            if ((remembered.Final ?? await GrainFactory.GetGrain<ICallGrain>(remembered.CallId).FindAsync()) is { } call)
            {
                calls.Add(call);
            }
        }

        await history.ImportAsync(calls, CancellationToken.None);
        await SaveAsync(state => state.Calls = []);
    }

    /// <summary>Changes and writes the state; a store that refuses leaves it as it was.</summary>
    private async Task SaveAsync(Action<ChatState> change)
    {
        var before = store.State;
        var next = new ChatState { Chat = before.Chat, Claim = before.Claim, Calls = before.Calls, PendingEvents = [.. before.PendingEvents] };
        change(next);
        store.State = next;
        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception)
        {
            // Whether it was written is unknown: the next request reads it anew.
            store.State = before;
            DeactivateOnIdle();
            throw;
        }
    }
}
