using System.Text;
using VoiceCluster.Abstractions.Events;

namespace VoiceCluster.Storage.Tests;

/// <summary>What every store keeps; each database runs the same tests.</summary>
public abstract class StateStoreContract
{
    /// <summary>The store under test, empty at the start of each test.</summary>
    protected abstract IStateStore Store { get; }

    /// <summary>Its outbox.</summary>
    protected abstract IOutboxStore Outbox { get; }

    /// <summary>Closes the store and opens it again.</summary>
    protected abstract Task ReopenAsync();

    [Fact]
    public async Task Read_OfAnUnknownRow_IsNull() => Assert.Null(await Store.ReadAsync("calls", "1", default));

    [Fact]
    public async Task Write_ThenReopen_KeepsStateAndEvents()
    {
        var etag = await Store.WriteAsync("calls", "1", null, Bytes("ringing"), [Event("call.ringing", "1")], default);
        await ReopenAsync();

        var state = await Store.ReadAsync("calls", "1", default);
        Assert.Equal("ringing", Encoding.UTF8.GetString(state!.Payload.Span));
        Assert.Equal(etag, state.ETag);
        var pending = await Outbox.ReadPendingAsync(0, 10, default);
        Assert.Equal(["call.ringing"], pending.Select(p => p.Event.Subject));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1")]
    public async Task Write_WithAnotherETag_IsAConflictAndChangesNothing(string? etag)
    {
        var current = await Store.WriteAsync("calls", "1", null, Bytes("a"), [], default);
        var conflict = await Assert.ThrowsAsync<StateConflictException>(
            () => Store.WriteAsync("calls", "1", etag, Bytes("b"), [Event("call.b", "1")], default));
        Assert.Equal(current, conflict.Stored);
        Assert.Equal("a", Encoding.UTF8.GetString((await Store.ReadAsync("calls", "1", default))!.Payload.Span));
        Assert.Empty(await Outbox.ReadPendingAsync(0, 10, default));
    }

    [Fact]
    public async Task Write_AfterTheRowWasClearedAndMadeAnew_RefusesTheOldETag()
    {
        var old = await Store.WriteAsync("calls", "1", null, Bytes("a"), [], default);
        await Store.ClearAsync("calls", "1", old, default);
        await Store.WriteAsync("calls", "1", null, Bytes("b"), [], default);
        await Assert.ThrowsAsync<StateConflictException>(() => Store.WriteAsync("calls", "1", old, Bytes("c"), [], default));
    }

    [Fact]
    public async Task Write_ManyAtOnceWithOneConflict_FailsOnlyThatOne()
    {
        await Store.WriteAsync("calls", "taken", null, Bytes("x"), [], default);
        Task<string>[] writes =
        [
            .. Enumerable.Range(0, 100).Select(i => Store.WriteAsync("calls", $"{i}", null, Bytes("y"), [Event("e", $"{i}")], default)),
            Store.WriteAsync("calls", "taken", null, Bytes("z"), [Event("never", "taken")], default),
            .. Enumerable.Range(100, 100).Select(i => Store.WriteAsync("calls", $"{i}", null, Bytes("y"), [Event("e", $"{i}")], default)),
        ];
        await Assert.ThrowsAsync<StateConflictException>(() => Task.WhenAll(writes));
        Assert.Equal(200, writes.Count(w => w.IsCompletedSuccessfully));
        var pending = await Outbox.ReadPendingAsync(0, 1_000, default);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}").ToHashSet(), pending.Select(p => p.Event.Key).ToHashSet());
    }

    [Fact]
    public async Task MarkPublished_RemovesOnlyThose()
    {
        await Store.WriteAsync("calls", "1", null, Bytes("a"), [Event("a", "1"), Event("b", "1"), Event("c", "1")], default);
        var pending = await Outbox.ReadPendingAsync(0, 2, default);
        await Outbox.MarkPublishedAsync([.. pending.Select(p => p.Position)], default);
        Assert.Equal(["c"], (await Outbox.ReadPendingAsync(0, 10, default)).Select(p => p.Event.Subject));
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static OutboxEvent Event(string subject, string key) => new(Guid.NewGuid(), subject, key, Bytes("{}"));
}
