using Orleans.Concurrency;

namespace VoiceCluster.Engine.Tests.Observers;

public interface IListener : IGrainObserver
{
    Task<string> AskAsync(string question);

    [OneWay]
    Task HearAsync(int number);

    void Notice(int number);

    Task FailAsync();
}

[GenerateSerializer, Immutable]
public sealed record Ticket([property: Id(0)] IListener Listener);

public interface ISpeaker : IGrainWithStringKey
{
    Task SubscribeAsync(IListener listener);

    Task SubscribeTicketAsync(Ticket ticket);

    Task<string> AskAllAsync(string question);

    Task TellAsync(int count);

    Task LetFailAsync();

    /// <summary>Subscribes to another speaker with this grain as the listener.</summary>
    Task ListenToAsync(string other);
}

public sealed class SpeakerGrain : Grain, ISpeaker, ISpeakerListener
{
    private readonly HashSet<IListener> _listeners = [];

    public Task SubscribeAsync(IListener listener)
    {
        _listeners.Add(listener);
        return Task.CompletedTask;
    }

    public Task SubscribeTicketAsync(Ticket ticket) => SubscribeAsync(ticket.Listener);

    public async Task<string> AskAllAsync(string question) =>
        string.Join(", ", await Task.WhenAll(_listeners.Select(l => l.AskAsync(question))));

    public async Task TellAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            foreach (var listener in _listeners)
            {
                await listener.HearAsync(i);
                listener.Notice(i);
            }
        }
    }

    public Task LetFailAsync() => _listeners.First().FailAsync();

    public Task ListenToAsync(string other) => GrainFactory.GetGrain<ISpeaker>(other).SubscribeAsync(this.AsReference<ISpeakerListener>());

    public Task<string> AskAsync(string question) => Task.FromResult($"grain {question}");

    public Task HearAsync(int number) => Task.CompletedTask;

    public void Notice(int number)
    {
    }

    public Task FailAsync() => Task.CompletedTask;
}

public interface ISpeakerListener : IListener, IGrainWithStringKey;

public sealed class ObserverTests(SiloFixture silo) : IClassFixture<SiloFixture>
{
    private readonly string _key = Probe.NewKey();

    private ISpeaker Speaker => silo.Client.GetGrain<ISpeaker>(_key);

    [Fact]
    public async Task Observer_GivenTwiceAndInARecord_IsOneSubscriberAndAnswers()
    {
        var listener = new Listener();
        var reference = silo.Client.CreateObjectReference<IListener>(listener);
        await Speaker.SubscribeAsync(reference);
        await Speaker.SubscribeTicketAsync(new Ticket(reference));
        Assert.Equal("yes", await Speaker.AskAllAsync("?"));
        GC.KeepAlive(listener);
    }

    [Fact]
    public async Task Calls_ToOneObserver_RunOneAfterTheOtherInOrder()
    {
        var listener = new Listener();
        await Speaker.SubscribeAsync(silo.Client.CreateObjectReference<IListener>(listener));
        await Speaker.TellAsync(500);
        Assert.Equal("yes", await Speaker.AskAllAsync("after"));
        Assert.Equal(Enumerable.Range(0, 500).SelectMany(i => new[] { i, -i }), listener.Heard);
        Assert.False(listener.Overlapped);
    }

    [Fact]
    public async Task Observer_ThatFails_FailsItsCaller()
    {
        var listener = new Listener();
        await Speaker.SubscribeAsync(silo.Client.CreateObjectReference<IListener>(listener));
        Assert.Equal("no", (await Assert.ThrowsAsync<FormatException>(Speaker.LetFailAsync)).Message);
        GC.KeepAlive(listener);
    }

    [Fact]
    public async Task Observer_Deleted_FailsClearly()
    {
        var listener = new Listener();
        var reference = silo.Client.CreateObjectReference<IListener>(listener);
        silo.Client.DeleteObjectReference<IListener>(reference);
        await Speaker.SubscribeAsync(reference);
        await Assert.ThrowsAsync<ClientNotAvailableException>(() => Speaker.AskAllAsync("?"));
        GC.KeepAlive(listener);
    }

    [Fact]
    public async Task Observer_AsObject_IsRefused()
    {
        var error = await Assert.ThrowsAnyAsync<ArgumentException>(() => Speaker.SubscribeAsync(new Listener()));
        Assert.Contains("CreateObjectReference", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grain_AsObserver_IsCalledLikeOne()
    {
        await silo.Client.GetGrain<ISpeaker>(Probe.NewKey()).ListenToAsync(_key);
        Assert.Equal("grain ?", await Speaker.AskAllAsync("?"));
    }

    private sealed class Listener : IListener
    {
        private int _inside;

        public List<int> Heard { get; } = [];

        public bool Overlapped { get; private set; }

        public async Task<string> AskAsync(string question)
        {
            await Task.Yield();
            return "yes";
        }

        public async Task HearAsync(int number)
        {
            Overlapped |= Interlocked.Increment(ref _inside) != 1;
            await Task.Yield();
            Heard.Add(number);
            Interlocked.Decrement(ref _inside);
        }

        public void Notice(int number) => Heard.Add(-number);

        public Task FailAsync() => throw new FormatException("no");
    }
}
