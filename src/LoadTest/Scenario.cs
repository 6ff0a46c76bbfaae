using System.Diagnostics;
using System.Globalization;
using VoiceCluster.LoadTest.Figures;
using VoiceCluster.LoadTest.Media;
using VoiceCluster.LoadTest.Signalling;
using VoiceCluster.Media.Dtls;

namespace VoiceCluster.LoadTest;

/// <summary>
/// One run: 1. publishers join; 2. subscribers join; 3. media begins to flow, unmeasured; 4. the window is measured, with churn if
/// asked for; 5. everybody leaves. Joins while media flows are churn's.
/// </summary>
internal sealed class Scenario : IAsyncDisposable
{
    /// <summary>A join that fails is tried again so many times; then the run fails.</summary>
    private const int JoinAttempts = 3;

    private readonly BenchOptions _options;
    private readonly TextWriter _progress;
    private readonly MediaLoop[] _loops;
    private readonly DtlsContext _certificate;
    private readonly BenchContext _context;
    private readonly AdminClient _admin;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly string[] _channels;
    private readonly IMember?[] _publishers;
    private readonly IMember?[] _subscribers;
    private int _nextUser;
    private int _routers;

    public Scenario(BenchOptions options, TextWriter progress)
    {
        _options = options;
        _progress = progress;
        _certificate = new DtlsContext(
            DtlsCertificate.Create(DateTimeOffset.UtcNow.AddDays(-1)),
            options.Srtp == VoiceCluster.Media.Srtp.SrtpProfile.None ? null : [options.Srtp]);
        _context = new BenchContext(options, _certificate, new JoinFigures(), _http);
        _admin = new AdminClient(_http, options);
        _loops = [.. Enumerable.Range(0, options.Loops).Select(_ => new MediaLoop(options))];
        _channels = new string[options.Slots > 0 ? options.Rooms : 0];
        _publishers = new IMember?[options.Rooms * options.Publishers];
        _subscribers = new IMember?[options.Rooms * options.Subscribers];
    }

    /// <summary>Runs it; the report says what happened. Throws when the deployment cannot be used.</summary>
    public async Task<BenchReport> RunAsync(CancellationToken cancellationToken)
    {
        // :: Step 1
        await CreateChannelsAsync(cancellationToken).ConfigureAwait(false);
        await CreateRoutersAsync(cancellationToken).ConfigureAwait(false);
        var joining = Stopwatch.StartNew();
        await ForAllAsync(_publishers.Length, async (i, token) => _publishers[i] = await JoinPublisherAsync(i, token).ConfigureAwait(false), "publishers", cancellationToken).ConfigureAwait(false);

        // :: Step 2
        await ForAllAsync(_subscribers.Length, async (i, token) => _subscribers[i] = await JoinSubscriberAsync(i, token).ConfigureAwait(false), "subscribers", cancellationToken).ConfigureAwait(false);
        var joined = joining.Elapsed;

        // :: Step 3
        await StartMediaAsync().ConfigureAwait(false);
        await WatchAsync("warm-up", _options.WarmUp, cancellationToken).ConfigureAwait(false);

        // :: Step 4
        var before = await ReadServerAsync(cancellationToken).ConfigureAwait(false);
        var own = ProcessTime();
        var allocatedBefore = await ResetAsync().ConfigureAwait(false);
        var window = Stopwatch.StartNew();
        using (var churning = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            var churn = ChurnAsync(churning.Token);
            await WatchAsync("measured", _options.Duration, cancellationToken).ConfigureAwait(false);
            var measured = await SumAsync().ConfigureAwait(false);
            var seconds = window.Elapsed.TotalSeconds;
            var after = await ReadServerAsync(cancellationToken).ConfigureAwait(false);
            await churning.CancelAsync().ConfigureAwait(false);
            var churned = await churn.ConfigureAwait(false);
            return new BenchReport(_options, measured, seconds, joined.TotalSeconds, _context.Joins, churned, before, after)
            {
                OwnCpuSeconds = ProcessTime() - own,
                OwnAllocatedBytes = measured.AllocatedBytes - allocatedBefore,
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // :: Step 5
        var members = _publishers.Concat(_subscribers).OfType<IMember>().ToArray();
        await Parallel.ForEachAsync(members, new ParallelOptions { MaxDegreeOfParallelism = _options.Joins }, async (m, _) => await LeaveAsync(m).ConfigureAwait(false)).ConfigureAwait(false);
        await DeleteChannelsAsync().ConfigureAwait(false);
        await DeleteRoutersAsync().ConfigureAwait(false);
        foreach (var loop in _loops)
        {
            loop.Dispose();
        }

        _certificate.Dispose();
        _http.Dispose();
    }

    private static double ProcessTime() => Environment.CpuUsage.TotalTime.TotalSeconds;

    private string Room(int index, int membersOfRoom) => string.Create(CultureInfo.InvariantCulture, $"{_options.RoomPrefix}-{index / membersOfRoom}");

    private MediaLoop Loop(int index) => _loops[index % _loops.Length];

    /// <summary>The voice service has channels, which somebody has to make.</summary>
    private async Task CreateChannelsAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < _channels.Length; i++)
        {
            var owner = await VoiceClient.OpenAsync(_http, _options, $"{_options.RoomPrefix}-owner", cancellationToken).ConfigureAwait(false);
            _channels[i] = await owner.CreateChannelAsync(Room(i, 1), _options.Publishers + _options.Subscribers + 1, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task DeleteChannelsAsync()
    {
        foreach (var channel in _channels.OfType<string>())
        {
            try
            {
                var owner = await VoiceClient.OpenAsync(_http, _options, $"{_options.RoomPrefix}-owner", CancellationToken.None).ConfigureAwait(false);
                await owner.DeleteChannelAsync(channel, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException or OperationCanceledException)
            {
                // The server has gone before us.
                return;
            }
        }
    }

    /// <summary>Where everybody is plain, rooms are routers of the media node.</summary>
    private async Task CreateRoutersAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; _options.Plain == PlainMembers.All && i < _options.Rooms; i++)
        {
            await _admin.CreateRouterAsync(Room(i, 1), cancellationToken).ConfigureAwait(false);
            _routers++;
        }
    }

    private async Task DeleteRoutersAsync()
    {
        for (var i = 0; i < _routers; i++)
        {
            try
            {
                await _admin.DeleteRouterAsync(Room(i, 1), CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException or OperationCanceledException)
            {
                // The server has gone before us.
                return;
            }
        }
    }

    private Task<IMember> JoinPublisherAsync(int index, CancellationToken cancellationToken) => _options.Plain == PlainMembers.All
        ? JoinPlainAsync(index, Room(index, _options.Publishers), async (member, token) =>
        {
            await member.PublishAsync(token).ConfigureAwait(false);
            if (_options.Conference && _options.Publishers > 1)
            {
                _ = HearOthersAsync(member.SubscribeAsync, token);
            }
        }, cancellationToken)
        : _options.Slots > 0
        ? JoinChannelAsync(index, _channels[index / _options.Publishers], sends: true, _options.Conference ? _options.Slots : 0, cancellationToken)
        : JoinRoomAsync(index, Room(index, _options.Publishers), async (member, token) =>
    {
        await member.PublishAsync(token).ConfigureAwait(false);
        if (_options.Conference && _options.Publishers > 1)
        {
            // The others' streams may come later than this member: it goes on consuming until it has all.
            _ = HearOthersAsync(member.SubscribeAsync, token);
        }
    }, cancellationToken);

    /// <summary>Publishers' frames are spread evenly over one period, as those of independent clients are.</summary>
    private async Task StartMediaAsync()
    {
        var period = 1_000_000 / (_options.Audio ? _options.Rate : _options.FrameRate);
        var start = MediaLoop.Now;
        for (var i = 0; i < _publishers.Length; i++)
        {
            await _publishers[i]!.StartMediaAsync(start + (long)(period * (i + 1) / _publishers.Length)).ConfigureAwait(false);
        }
    }

    private async Task HearOthersAsync(Func<int, CancellationToken, Task> subscribe, CancellationToken cancellationToken)
    {
        try
        {
            await subscribe((_options.Publishers - 1) * _options.StreamsPerPublisher, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            _context.Joins.Failed(e);
        }
        catch (OperationCanceledException)
        {
            // The run ends.
            return;
        }
    }

    private Task<IMember> JoinSubscriberAsync(int index, CancellationToken cancellationToken) => _options.Plain != PlainMembers.None
        ? JoinPlainAsync(index, Room(index, _options.Subscribers), (member, token) => member.SubscribeAsync(_options.StreamsPerSubscriber, token), cancellationToken)
        : _options.Slots > 0
        ? JoinChannelAsync(index, _channels[index / _options.Subscribers], sends: false, _options.Slots, cancellationToken)
        : JoinRoomAsync(index, Room(index, _options.Subscribers), (member, token) => member.SubscribeAsync(_options.StreamsPerSubscriber, token), cancellationToken);

    private Task<IMember> JoinRoomAsync(int index, string room, Func<RoomMember, CancellationToken, Task> prepare, CancellationToken cancellationToken) =>
        JoinAsync(room, (user, token) => RoomMember.JoinAsync(_context, Loop(index), room, user, token), prepare, cancellationToken);

    private Task<IMember> JoinPlainAsync(int index, string router, Func<PlainMember, CancellationToken, Task> prepare, CancellationToken cancellationToken) =>
        JoinAsync(router, (_, _) => Task.FromResult(new PlainMember(_context, _admin, Loop(index), router)), prepare, cancellationToken);

    private Task<IMember> JoinChannelAsync(int index, string channel, bool sends, int slots, CancellationToken cancellationToken) => JoinAsync(
        channel,
        (user, token) => VoiceMember.JoinAsync(_context, Loop(index), channel, user, token),
        (member, token) => member.ConnectAsync(sends, slots, token),
        cancellationToken);

    private async Task<IMember> JoinAsync<T>(
        string room, Func<string, CancellationToken, Task<T>> join, Func<T, CancellationToken, Task> prepare, CancellationToken cancellationToken)
        where T : class, IMember
    {
        for (var attempt = 1; ; attempt++)
        {
            T? member = null;
            try
            {
                var watch = Stopwatch.StartNew();
                var user = string.Create(CultureInfo.InvariantCulture, $"{_options.RoomPrefix}-{Interlocked.Increment(ref _nextUser)}");
                member = await join(user, cancellationToken).ConfigureAwait(false);
                await prepare(member, cancellationToken).ConfigureAwait(false);
                _context.Joins.MemberJoined(watch.Elapsed);
                return member;
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                _context.Joins.Failed(e);
                if (member is not null)
                {
                    await LeaveAsync(member).ConfigureAwait(false);
                }

                if (attempt == JoinAttempts)
                {
                    throw new IOException($"A member could not join {room}: {e.Message}", e);
                }
            }
        }
    }

    private async Task<int> ChurnAsync(CancellationToken cancellationToken)
    {
        var replaced = 0;
        if (_options.Churn == 0 || _subscribers.Length == 0)
        {
            return replaced;
        }

        using var ticks = new PeriodicTimer(TimeSpan.FromMinutes(1 / _options.Churn));
        try
        {
            while (await ticks.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                var index = replaced % _subscribers.Length;
                var leaving = _subscribers[index]!;
                _subscribers[index] = null;
                await LeaveAsync(leaving).ConfigureAwait(false);
                _subscribers[index] = await JoinSubscriberAsync(index, cancellationToken).ConfigureAwait(false);
                replaced++;
            }
        }
        catch (OperationCanceledException)
        {
            // The window is over.
            return replaced;
        }

        return replaced;
    }

    private static async Task LeaveAsync(IMember member)
    {
        try
        {
            await member.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidOperationException or System.Net.WebSockets.WebSocketException or OperationCanceledException or TimeoutException)
        {
            // The server has gone before us: there is nobody to say goodbye to.
            return;
        }
    }

    private async Task ForAllAsync(int count, Func<int, CancellationToken, Task> join, string what, CancellationToken cancellationToken)
    {
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = _options.Joins, CancellationToken = cancellationToken };
        var last = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(0, count), options, async (i, token) =>
        {
            await join(i, token).ConfigureAwait(false);
            if (Interlocked.Increment(ref done) == count || last.Elapsed > TimeSpan.FromSeconds(1))
            {
                last.Restart();
                _progress.WriteLine(string.Create(CultureInfo.InvariantCulture, $"joining   {done}/{count} {what}, {_context.Joins.Failures} failed"));
            }
        }).ConfigureAwait(false);
    }

    private async Task WatchAsync(string phase, TimeSpan time, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var last = await SumAsync().ConfigureAwait(false);
        var lastAt = 0d;
        while (watch.Elapsed < time)
        {
            var step = TimeSpan.FromSeconds(1);
            var left = time - watch.Elapsed;
            await Task.Delay(left < step ? left : step, cancellationToken).ConfigureAwait(false);
            var sum = await SumAsync().ConfigureAwait(false);
            var at = watch.Elapsed.TotalSeconds;
            var received = (sum.Received - last.Received) / (at - lastAt);
            _progress.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{phase,-9} {at,6:0.0} s  received {received,9:N0}/s  streams {sum.Streams:N0}/{_options.Consumers:N0}  lost {sum.Lost:N0}  latency p50 {sum.Latency.Percentile(0.5) / 10} p99 {sum.Latency.Percentile(0.99) / 10} µs"));
            (last, lastAt) = (sum, at);
        }
    }

    private async Task<ServerMetrics?> ReadServerAsync(CancellationToken cancellationToken) => _options.ReadsMetrics
        ? await ServerMetrics.ReadAsync(_http, _options.Metrics ?? new Uri(_options.Url, "/metrics"), cancellationToken).ConfigureAwait(false)
        : null;

    private async Task<long> ResetAsync()
    {
        var allocated = 0L;
        await Task.WhenAll(_loops.Select(loop => loop.InvokeAsync(() =>
        {
            loop.Figures.Reset();
            Interlocked.Add(ref allocated, MediaLoop.AllocatedBytes);
        }))).ConfigureAwait(false);
        return allocated;
    }

    private async Task<MediaSum> SumAsync()
    {
        var sum = new MediaSum();
        foreach (var loop in _loops)
        {
            await loop.InvokeAsync(() => sum.Add(loop)).ConfigureAwait(false);
        }

        return sum;
    }
}
