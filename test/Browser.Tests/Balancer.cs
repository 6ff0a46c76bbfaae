using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// What stands before the frontends of a cluster: passes each connection to one that is ready, the first of the list that is. A probe of
/// /health/ready each 100 ms tells which are.
/// </summary>
internal sealed class Balancer : IAsyncDisposable
{
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    private readonly Uri[] _frontends;
    private readonly bool[] _isReady;
    private readonly CancellationTokenSource _stop = new();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HttpClient _http = new() { Timeout = ProbeTimeout };
    private readonly Task[] _running;
    private int _connections;

    public Balancer(params string[] frontends)
    {
        _frontends = [.. frontends.Select(f => new Uri(f))];
        _isReady = [.. frontends.Select(_ => true)];
        _listener.Start();
        Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _running = [AcceptAsync(), .. _frontends.Select((_, i) => ProbeAsync(i))];
    }

    /// <summary>Where clients connect.</summary>
    public string Url { get; }

    /// <summary>Connections that were passed on.</summary>
    public int Connections => _connections;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await Task.WhenAll(_running);
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task ProbeAsync(int index)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri(_frontends[index], "/health/ready"), _stop.Token);
                _isReady[index] = answer.IsSuccessStatusCode;
                await Task.Delay(ProbeEvery, _stop.Token);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                _isReady[index] = false;
                await Task.WhenAny(Task.Delay(ProbeEvery, CancellationToken.None));
            }
        }
    }

    private async Task AcceptAsync()
    {
        List<Task> passing = [];
        try
        {
            while (true)
            {
                passing.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
                passing.RemoveAll(p => p.IsCompleted);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(passing);
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using (client)
        {
            foreach (var frontend in _frontends.Where((_, i) => _isReady[i]).ToArray())
            {
                using TcpClient server = new();
                try
                {
                    await server.ConnectAsync(frontend.Host, frontend.Port, _stop.Token);
                }
                catch (Exception e) when (e is SocketException or OperationCanceledException)
                {
                    continue;
                }

                Interlocked.Increment(ref _connections);
                await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
                return;
            }
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One side has ended: so does the other.
            return;
        }
    }
}
