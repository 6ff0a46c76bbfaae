using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Hosts.Tests.Clients;

/// <summary>
/// A native client of a channel: its WebSocket, and its numbered frames over UDP, encrypted. The frames go on whatever becomes of
/// the WebSocket.
/// </summary>
internal sealed class ChannelVoice : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FramePeriod = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _stop = new();
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentQueue<(string Name, JsonElement Body)> _messages = new();
    private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Lock _gate = new();
    private readonly Guid _channel;
    private RelayClient? _relay;
    private Task _reading = Task.CompletedTask;
    private Task _hearing = Task.CompletedTask;
    private Task _speaking = Task.CompletedTask;
    private volatile bool _isProved;
    private int _heard = -1;

    private ChannelVoice(Guid channel) => _channel = channel;

    /// <summary>What ChannelJoined said.</summary>
    public JsonElement Joined { get; private set; }

    public string ResumeToken => Joined.GetProperty("resume_token").GetString()!;

    /// <summary>What it was told since it joined.</summary>
    public (string Name, JsonElement Body)[] Messages => [.. _messages];

    /// <summary>Done when the WebSocket has ended; how.</summary>
    public TaskCompletionSource<WebSocketCloseStatus?> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The newest frame that it has heard of anybody; -1 before.</summary>
    public int Heard => Volatile.Read(ref _heard);

    /// <summary>The number of the last frame that it said.</summary>
    public int Said { get; private set; }

    public static async Task<ChannelVoice> JoinAsync(string frontend, string username, Guid channel, string? resumeToken = null)
    {
        var voice = new ChannelVoice(channel);
        try
        {
            await voice._socket.ConnectAsync(new UriBuilder(frontend) { Scheme = "ws" }.Uri, CancellationToken.None);
            voice._reading = voice.ReadAsync();
            await voice.SendAsync("Authenticate", new { username });
            await voice.SendAsync("JoinChannel", new { channel_id = channel, resume_token = resumeToken });
            var user = (await voice.WaitAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid();
            voice.Joined = await voice.WaitAsync("ChannelJoined");
            voice.Open(user);
            return voice;
        }
        catch
        {
            await voice.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to speak, or goes on after another client of the same user: frames from a number on.</summary>
    public async Task SpeakAsync(int from = 0, bool says = true)
    {
        Said = from;
        if (says)
        {
            await SendAsync("StartAudio", new { channel_id = _channel });
        }

        _speaking = SpeakOnAsync();
    }

    /// <summary>Says no more, without a word to anybody.</summary>
    public async Task FallSilentAsync()
    {
        await _stop.CancelAsync();
        await _speaking;
    }

    public async ValueTask DisposeAsync()
    {
        await FallSilentAsync();
        _socket.Abort();
        _udp.Dispose();
        await Task.WhenAll(_reading, _hearing);
        _socket.Dispose();
        _relay?.Dispose();
        _stop.Dispose();
    }

    private Task SendAsync(string name, object body) => _socket.SendAsync(
        JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [name] = body }), WebSocketMessageType.Text, true, CancellationToken.None);

    private async Task<JsonElement> WaitAsync(string name)
    {
        for (var since = Stopwatch.StartNew(); ; await Task.Delay(10, CancellationToken.None))
        {
            if (_messages.FirstOrDefault(m => m.Name == name) is { Name: not null } found)
            {
                return found.Body;
            }

            Assert.True(since.Elapsed < Deadline && !_messages.Any(m => m.Name == "Error") && !Ended.Task.IsCompleted, $"{name} did not come: {string.Join(", ", _messages)}");
        }
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            for (var length = 0; ;)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                length += received.Count;
                if (received.EndOfMessage)
                {
                    var only = JsonSerializer.Deserialize<JsonElement>(Encoding.UTF8.GetString(buffer, 0, length)).EnumerateObject().Single();
                    _messages.Enqueue((only.Name, only.Value));
                    length = 0;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // Its frontend was killed, or the test is over.
            Ended.TrySetResult(null);
        }

        Ended.TrySetResult(_socket.CloseStatus);
    }

    private void Open(Guid user)
    {
        var udp = Joined.GetProperty("udp");
        _udp.Connect(new IPEndPoint(IPAddress.Parse(udp.GetProperty("address").GetString()!), udp.GetProperty("port").GetInt32()));
        _relay = new RelayClient(
            user, _channel, Convert.FromHexString(udp.GetProperty("session").GetString()!), Convert.FromHexString(udp.GetProperty("key").GetString()!));
        _hearing = HearAsync();
        _speaking = ProveAsync();
    }

    // The proof is repeated until the Pong comes, then now and then a Ping keeps it.
    private async Task ProveAsync()
    {
        while (!_isProved && !_stop.IsCancellationRequested)
        {
            Write((relay, buffer) => relay.WriteStart(buffer, MediaThread.Now));
            await Task.Delay(FramePeriod, CancellationToken.None);
        }
    }

    private async Task SpeakOnAsync()
    {
        await ProveAsync();
        var frame = new byte[40];

        // An Opus packet's first byte (RFC 6716 §3.1): a CELT frame of 20 ms. Nobody decodes the rest.
        frame[0] = 0xF8;
        using PeriodicTimer timer = new(FramePeriod);
        while (!_stop.IsCancellationRequested)
        {
            await timer.WaitForNextTickAsync(CancellationToken.None);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), Said + 1);
            Write((relay, buffer) => relay.WriteAudio(buffer, frame, MediaThread.Now));
            Said++;
        }
    }

    private async Task HearAsync()
    {
        var buffer = new byte[2_048];
        while (!_stop.IsCancellationRequested)
        {
            int length;
            try
            {
                length = await _udp.ReceiveAsync(buffer);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // An ICMP error of an earlier packet.
                continue;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            lock (_gate)
            {
                if (_relay!.TryRead(buffer.AsSpan(0, length), out var header, out var payload))
                {
                    Take(header, payload);
                }
            }
        }
    }

    private void Take(in RelayHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type == RelayPacketType.Pong)
        {
            _isProved = true;
        }
        else if (header.Type == RelayPacketType.Ping)
        {
            var ping = payload.ToArray();
            Write((relay, buffer) => relay.WritePong(buffer, ping, MediaThread.Now));
        }
        else if (header.Type == RelayPacketType.Audio && payload.Length == 40)
        {
            Volatile.Write(ref _heard, BinaryPrimitives.ReadInt32BigEndian(payload[1..]));
        }
    }

    private void Write(Func<RelayClient, byte[], int> write)
    {
        lock (_gate)
        {
            var buffer = new byte[256];
            _udp.Send(buffer.AsSpan(0, write(_relay!, buffer)));
        }
    }
}
