using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.Events.Tests.Nats;

/// <summary>Somebody else on the bus: a client of NATS' text protocol written for the tests, sharing nothing with the bridge.</summary>
internal sealed class NatsPeer : IAsyncDisposable
{
    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly ConcurrentDictionary<string, TaskCompletionSource<byte[]>> _requests = new();
    private readonly ConcurrentQueue<TaskCompletionSource> _pings = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private Stream _stream = Stream.Null;
    private Task _reading = Task.CompletedTask;
    private int _nextId = 1;
    private int _nextRequest;

    /// <summary>What came on the subscribed subjects, in order.</summary>
    public ConcurrentQueue<(string Subject, byte[] Payload)> Received { get; } = new();

    public static async Task<NatsPeer> ConnectAsync(int port, params string[] subjects)
    {
        var peer = new NatsPeer();
        await peer._client.ConnectAsync(IPAddress.Loopback, port);
        peer._stream = peer._client.GetStream();
        peer._reading = peer.ReadAsync();
        await peer.WriteAsync("CONNECT {\"verbose\":false,\"pedantic\":false,\"name\":\"peer\",\"protocol\":1}\r\n");
        await peer.WriteAsync("SUB _INBOX.peer.* 0\r\n");
        foreach (var subject in subjects)
        {
            await peer.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"SUB {subject} {peer._nextId++}\r\n"));
        }

        await peer.FlushAsync();
        return peer;
    }

    public Task PublishAsync(string subject, ReadOnlyMemory<byte> payload, string? replyTo = null) => WriteAsync(
        string.Create(CultureInfo.InvariantCulture, $"PUB {subject} {(replyTo is null ? "" : replyTo + " ")}{payload.Length}\r\n"), payload);

    public Task PublishAsync(string subject, string json) => PublishAsync(subject, Encoding.UTF8.GetBytes(json));

    public async Task FlushAsync()
    {
        var pong = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _pings.Enqueue(pong);
        await WriteAsync("PING\r\n");
        await pong.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public async Task<JsonElement> RequestAsync(string subject, string json)
    {
        var inbox = string.Create(CultureInfo.InvariantCulture, $"_INBOX.peer.{Interlocked.Increment(ref _nextRequest)}");
        var answer = _requests[inbox] = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await PublishAsync(subject, Encoding.UTF8.GetBytes(json), inbox);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Task.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>Makes or changes a stream.</summary>
    public async Task StreamAsync(string verb, string name, object config)
    {
        var answer = await RequestAsync($"$JS.API.STREAM.{verb}.{name}", JsonSerializer.Serialize(config));
        Assert.False(answer.TryGetProperty("error", out var error), error.ToString());
    }

    public async Task<JsonElement> StreamInfoAsync(string name) => await RequestAsync($"$JS.API.STREAM.INFO.{name}", "");

    /// <summary>All messages that a stream keeps, in its order.</summary>
    public async Task<List<(string Subject, byte[] Payload)>> ReadStreamAsync(string name)
    {
        var state = (await StreamInfoAsync(name)).GetProperty("state");
        var (first, last) = (state.GetProperty("first_seq").GetInt64(), state.GetProperty("last_seq").GetInt64());
        var messages = new List<(string, byte[])>();
        for (var from = first; from <= last; from += 500)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, (int)Math.Min(500, last - from + 1)).Select(
                i => RequestAsync($"$JS.API.STREAM.MSG.GET.{name}", $"{{\"seq\":{from + i}}}")));
            messages.AddRange(answers.Where(a => a.TryGetProperty("message", out _)).Select(a => a.GetProperty("message"))
                .Select(m => (m.GetProperty("subject").GetString()!, m.GetProperty("data").GetBytesFromBase64())));
        }

        return messages;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _writing.Dispose();
    }

    private async Task WriteAsync(string line, ReadOnlyMemory<byte>? payload = null)
    {
        var head = Encoding.UTF8.GetBytes(line);
        byte[] bytes = payload is { } body ? [.. head, .. body.Span, .. "\r\n"u8] : head;
        await _writing.WaitAsync();
        try
        {
            await _stream.WriteAsync(bytes);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        var reader = new LineReader(_stream);
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("MSG ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                var payload = await reader.ReadAsync(int.Parse(parts[^1], CultureInfo.InvariantCulture));
                if (_requests.TryRemove(parts[1], out var request))
                {
                    request.SetResult(payload);
                }
                else
                {
                    Received.Enqueue((parts[1], payload));
                }
            }
            else if (line == "PING")
            {
                await WriteAsync("PONG\r\n");
            }
            else if (line == "PONG" && _pings.TryDequeue(out var pong))
            {
                pong.SetResult();
            }
        }
    }

    private sealed class LineReader(Stream stream)
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _start;
        private int _end;

        public async Task<string?> ReadLineAsync()
        {
            var line = new List<byte>();
            while (true)
            {
                if (_start == _end && !await FillAsync())
                {
                    return null;
                }

                var b = _buffer[_start++];
                if (b == '\n')
                {
                    return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
                }

                line.Add(b);
            }
        }

        public async Task<byte[]> ReadAsync(int length)
        {
            var bytes = new byte[length + 2];
            var read = 0;
            while (read < bytes.Length)
            {
                if (_start == _end && !await FillAsync())
                {
                    throw new EndOfStreamException();
                }

                var take = Math.Min(bytes.Length - read, _end - _start);
                _buffer.AsSpan(_start, take).CopyTo(bytes.AsSpan(read));
                _start += take;
                read += take;
            }

            return bytes[..length];
        }

        private async Task<bool> FillAsync()
        {
            _start = 0;
            _end = await stream.ReadAsync(_buffer);
            return _end > 0;
        }
    }
}
