using System.Net.WebSockets;
using System.Text.Json;
using VoiceCluster.Samples.RelayClient;

// A native client of a voice channel: 1. authenticate; 2. join; 3. speak and listen over UDP; 4. leave.
if (ClientOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine(ClientOptions.Usage);
    return 2;
}

using CancellationTokenSource stop = new();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};
using ChannelConnection connection = new();
try
{
    // :: Step 1
    await connection.ConnectAsync(options.Url, stop.Token);
    await connection.SendAsync("Authenticate", options.Token is { } token ? new { token } : new { username = options.User }, stop.Token);
    var user = (await ExpectAsync("Authenticated")).GetProperty("user").GetProperty("id").GetGuid();

    // :: Step 2
    await connection.SendAsync("JoinChannel", new { channel_id = options.Channel, mode = options.Mode }, stop.Token);
    var way = UdpWay.Read((await ExpectAsync("ChannelJoined")).GetProperty("udp"));
    IOpusSource? source = options.ToneHz is { } hz ? new ToneSource(hz) : options.SendFile is { } file ? new OggOpusSource(file) : null;
    if (source is not null)
    {
        await connection.SendAsync("StartAudio", new { channel_id = options.Channel }, stop.Token);
    }

    // :: Step 3
    using Ear ear = new(options.WriteFile, options.Play);
    using VoiceLine line = new(user, options.Channel, options.Url.Host, source, ear, options.Plain) { Way = way };
    if (options.Duration is { } duration)
    {
        stop.CancelAfter(duration);
    }

    Thread voice = new(() => line.Run(stop.Token));
    voice.Start();
    await ListenAsync(line);
    stop.Cancel();
    voice.Join();

    // :: Step 4
    await connection.CloseAsync();
    Console.WriteLine(JsonSerializer.Serialize(new { Summary = new { line.Sent, line.Received, ear.Lost, ear.Heard } }));
    return line.IsProved ? 0 : 1;
}
catch (Exception e) when (e is WebSocketException or InvalidDataException or IOException or OperationCanceledException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

async Task<JsonElement> ExpectAsync(string name)
{
    while (await connection.ReceiveAsync(stop.Token) is { } message)
    {
        Print(message);
        if (message.Name == name)
        {
            return message.Body;
        }

        if (message.Name == "Error")
        {
            throw new InvalidDataException(message.Body.ToString());
        }
    }

    throw new InvalidDataException($"The server closed the connection before it said {name}.");
}

async Task ListenAsync(VoiceLine line)
{
    try
    {
        while (await connection.ReceiveAsync(stop.Token) is { } message)
        {
            Print(message);
            if (message.Name == "MediaMoved")
            {
                line.Way = UdpWay.Read(message.Body.GetProperty("udp"));
            }
        }
    }
    catch (OperationCanceledException)
    {
        // The time is over.
        return;
    }
}

// A session is a secret: it is not printed.
static void Print((string Name, JsonElement Body) message)
{
    var shown = message.Body.EnumerateObject().Where(m => m.Name is not ("udp" or "token")).ToDictionary(m => m.Name, m => m.Value);
    Console.WriteLine(JsonSerializer.Serialize(new Dictionary<string, object> { [message.Name] = shown }));
}
