using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.Media.Relay;

namespace VoiceCluster.Bench.Relay;

/// <summary>The real server over loopback: channels of native clients, one of ten speaks.</summary>
internal sealed class ServerBenchmark(Uri url, int pid)
{
    private const int Seats = 10;

    private readonly HttpClient _http = new() { BaseAddress = url };

    /// <summary>Joins so many clients, and says what each costs in memory of the whole process.</summary>
    public async Task<List<Client>> JoinAsync(int channels)
    {
        List<Client> clients = [];
        for (var c = 0; c < channels; c++)
        {
            using var made = await _http.PostAsJsonAsync("api/channels", new { name = "bench", owner_id = "bench" });
            var channel = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
            for (var i = 0; i < Seats; i++)
            {
                clients.Add(await Client.JoinAsync(url, channel, $"bench-{c}-{i}", speaks: i == 0));
            }
        }

        return clients;
    }

    public async Task<double> MemoryAsync()
    {
        await Task.Delay(3_000);
        var line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>All speakers speak at a rate; answers packets forwarded a second, CPU µs a packet, and the share lost.</summary>
    public (double PerSecond, double Micros, double Lost) Load(List<Client> clients, int perSpeaker, TimeSpan duration)
    {
        var speakers = clients.Where(c => c.Speaks).ToArray();
        var (received, cpu) = (Received(clients), Cpu());
        var clock = Stopwatch.StartNew();
        var (sent, done) = (0L, false);
        Thread sweeper = new(() =>
        {
            while (!Volatile.Read(ref done))
            {
                clients.ForEach(c => c.Sweep());
                Thread.Sleep(5);
            }
        });
        sweeper.Start();
        while (clock.Elapsed < duration)
        {
            var due = (long)(clock.Elapsed.TotalSeconds * perSpeaker);
            for (; sent < due; sent++)
            {
                foreach (var speaker in speakers)
                {
                    speaker.Speak();
                }
            }

            Thread.Sleep(1);
        }

        var elapsed = clock.Elapsed.TotalSeconds;
        Thread.Sleep(200);
        Volatile.Write(ref done, true);
        sweeper.Join();
        var forwarded = Received(clients) - received;
        var expected = sent * speakers.Length * (Seats - 1);
        return (forwarded / elapsed, (Cpu() - cpu) * 1_000_000 / Math.Max(1, forwarded), 1 - (forwarded / (double)expected));
    }

    private static long Received(List<Client> clients) => clients.Sum(c => c.Received);

    private double Cpu()
    {
        var fields = File.ReadAllText($"/proc/{pid}/stat").Split(')')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries);

        // utime and stime, in ticks of 10 ms.
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100d;
    }

    /// <summary>One native client.</summary>
    internal sealed class Client
    {
        private readonly ClientWebSocket _socket = new();
        private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20 };
        private readonly byte[] _buffer = new byte[2_048];
        private readonly byte[] _opus = new byte[160];
        private RelayClient _client = null!;
        private EndPoint _server = null!;

        public bool Speaks { get; private set; }

        public long Received { get; private set; }

        private static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

        public static async Task<Client> JoinAsync(Uri url, Guid channel, string name, bool speaks)
        {
            Client client = new() { Speaks = speaks };
            client._opus[0] = 0xF8;
            await client._socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Path = "/" }.Uri, CancellationToken.None);
            await client.SayAsync("Authenticate", new { username = name });
            var user = (await client.HearAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid();
            await client.SayAsync("JoinChannel", new { channel_id = channel });
            var udp = (await client.HearAsync("ChannelJoined")).GetProperty("udp");
            client._client = new RelayClient(
                user, channel, Convert.FromHexString(udp.GetProperty("session").GetString()!), Convert.FromHexString(udp.GetProperty("key").GetString()!));
            client._server = new IPEndPoint(IPAddress.Parse(udp.GetProperty("address").GetString()!), udp.GetProperty("port").GetInt32());
            client._udp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            if (speaks)
            {
                await client.SayAsync("StartAudio", new { channel_id = channel });
                await client.HearAsync("AudioStarted");
            }

            client.Send(client._client.WriteStart(client._buffer, Now));
            _ = client.DrainAsync();
            return client;
        }

        public void Speak() => Send(_client.WriteAudio(_buffer, _opus, Now));

        public void Sweep()
        {
            while (_udp.Available > 0)
            {
                var length = _udp.Receive(_buffer);
                if (RelayHeader.TryParse(_buffer.AsSpan(0, length), out var header) && header.Type == RelayPacketType.Audio)
                {
                    Received++;
                }
            }
        }

        private void Send(int length) => _udp.SendTo(_buffer.AsSpan(0, length), SocketFlags.None, _server);

        private Task SayAsync(string name, object body) => _socket.SendAsync(
            JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [name] = body }), WebSocketMessageType.Text, true, CancellationToken.None);

        private async Task<JsonElement> HearAsync(string name)
        {
            var buffer = new byte[64 * 1024];
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                var only = JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, received.Count)).EnumerateObject().First();
                if (only.Name == name)
                {
                    return only.Value.Clone();
                }
            }
        }

        private async Task DrainAsync()
        {
            var buffer = new byte[64 * 1024];
            while ((await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
    }
}
