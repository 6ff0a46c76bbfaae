using Microsoft.Extensions.Options;
using VoiceCluster.Abstractions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Grains.Calls;

namespace VoiceCluster.Grains.Chats;

/// <summary>The shell of <see cref="Chat"/>. Of a running call it asks only what interleaves.</summary>
public sealed class ChatGrain(
    [PersistentState("chat", GrainStores.Chats)] IPersistentState<ChatState> store,
    IOptions<CallOptions> options,
    TimeProvider time) : Grain, IChatGrain
{
    /// <summary>The longest page of calls.</summary>
    private const int MaxPage = 100;

    /// <inheritdoc/>
    public async Task<Outcome<ChatInfo>> CreateAsync(Guid creatorId, Guid[] memberIds)
    {
        if (store.State.Chat is not null)
        {
            return new Fault(FaultCode.Conflict, "The chat exists already.");
        }

        var chat = Chat.Create(this.GetPrimaryKey(), creatorId, memberIds, time.GetUtcNow(), options.Value.MaxChatMembers);
        if (chat.Fault is null)
        {
            var made = chat.Value!;
            await SaveAsync(state =>
            {
                state.Chat = made;
                state.PendingEvents.Add(new ChatCreatedEvent(
                    Guid.CreateVersion7(made.CreatedAt), made.CreatedAt, made.Id, made.CreatedBy, made.MemberIds));
            });
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

        await SaveAsync(state =>
        {
            state.Claim = claim;
            Chat.Remember(state, claim, options.Value.MaxChatHistory);
        });
        return new ClaimResult(null);
    }

    /// <inheritdoc/>
    public Task AbandonCallAsync(Guid callId)
    {
        // Not written: a stored claim of a call that never began is disproved by asking the call.
        Free(store.State, callId);
        store.State.Calls.RemoveAll(c => c.CallId == callId && c.Final is null);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task CallOverAsync(CallInfo call) => SaveAsync(state =>
    {
        Free(state, call.Id);
        Chat.Conclude(state, call);
    });

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

        List<CallInfo> calls = [];
        foreach (var remembered in Chat.From(store.State, page.BeforeCall).ToArray())
        {
            // What is missing here is known by the call itself; one that never began is nowhere.
            var call = remembered.Final ?? await GrainFactory.GetGrain<ICallGrain>(remembered.CallId).FindAsync();
            if (call is not null && (page.BeforeTime is not { } time || call.CreatedAt < time))
            {
                calls.Add(call);
                if (calls.Count > page.Limit)
                {
                    break;
                }
            }
        }

        return new CallPage([.. calls.Take(page.Limit)], calls.Count > page.Limit);
    }

    private static void Free(ChatState state, Guid callId)
    {
        if (state.Claim?.CallId == callId)
        {
            state.Claim = null;
        }
    }

    /// <summary>Changes and writes the state; a store that refuses leaves it as it was.</summary>
    private async Task SaveAsync(Action<ChatState> change)
    {
        var before = store.State;
        var next = new ChatState { Chat = before.Chat, Claim = before.Claim, Calls = [.. before.Calls], PendingEvents = [.. before.PendingEvents] };
        change(next);
        store.State = next;
        try
        {
            await store.WriteStateAsync();
        }
        catch (Exception)
        {
            store.State = before;
            throw;
        }
    }
}
