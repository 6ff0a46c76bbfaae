using System.Text.Json;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.ApiFrontend.Tests.SocketIo;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>
/// Every event of the Socket.IO namespace <c>/voice</c>: without a token, from outside the room, and from inside it with the ids of
/// another participant. A new event gets a row here, or these tests fail.
/// </summary>
public sealed class OwnerEventTests(AccessWorld world) : IClassFixture<AccessWorld>
{
    private const string Namespace = "/voice";

    /// <summary>The argument beside <c>roomId</c>, with the ids of another participant; null for events that reach nothing of others.</summary>
    private static readonly Dictionary<string, Func<Participant, object>?> Events = new()
    {
        // Own place in the room, own new transport.
        ["join-room"] = null,
        ["leave-room"] = null,
        ["create-transport"] = null,

        ["connect-transport"] = p => new { roomId = p.Room, transportId = p.TransportId, dtlsParameters = new { role = "client" } },
        ["close-transport"] = p => new { roomId = p.Room, transportId = p.TransportId },
        ["restart-ice"] = p => new { roomId = p.Room, transportId = p.TransportId },
        ["produce"] = p => new { roomId = p.Room, transportId = p.TransportId, kind = "audio", rtpParameters = new { } },
        ["pause-producer"] = p => new { roomId = p.Room, producerId = p.ProducerId },
        ["resume-producer"] = p => new { roomId = p.Room, producerId = p.ProducerId },
        ["close-producer"] = p => new { roomId = p.Room, producerId = p.ProducerId },
        ["consume"] = p => new { roomId = p.Room, transportId = p.TransportId, producerId = p.ProducerId, rtpCapabilities = new { } },
        ["pause-consumer"] = p => new { roomId = p.Room, consumerId = p.ConsumerId },
        ["resume-consumer"] = p => new { roomId = p.Room, consumerId = p.ConsumerId },
        ["close-consumer"] = p => new { roomId = p.Room, consumerId = p.ConsumerId },
        ["set-preferred-layers"] = p => new { roomId = p.Room, consumerId = p.ConsumerId, spatialLayer = 0 },
        ["set-priority"] = p => new { roomId = p.Room, consumerId = p.ConsumerId, priority = 2 },
        ["set-max-outgoing-bitrate"] = p => new { roomId = p.Room, transportId = p.TransportId, bitrate = 100_000 },
        ["set-min-outgoing-bitrate"] = p => new { roomId = p.Room, transportId = p.TransportId, bitrate = 100_000 },
        ["set-max-incoming-bitrate"] = p => new { roomId = p.Room, transportId = p.TransportId, bitrate = 100_000 },
    };

    public static TheoryData<string> Names => [.. Events.Keys];

    public static TheoryData<string> OnThingsOfOthers => [.. Events.Where(e => e.Value is not null).Select(e => e.Key)];

    [Fact]
    public async Task Events_All_AreInTheTable()
    {
        Assert.Equal([Namespace], world.Sockets.Namespaces);
        using var socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Eve.Token));
        var served = world.Sockets.Find(Namespace)!.Sockets.First().EventNames;

        Assert.Equal(served.Order(StringComparer.Ordinal), Events.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Event_WithoutToken_IsRefusedAndChangesNothing(string name)
    {
        using var owner = await Participant.JoinAsync(world);
        var before = await owner.DescribeAsync();
        using var socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace);
        var argument = Events[name] is { } make ? make(owner) : new { roomId = owner.Room, userId = world.Alice.Id };

        var answer = await socket.AskAsync(name, JsonSerializer.Serialize(argument));

        Assert.Equal(name == "join-room" ? "UNAUTHENTICATED" : "NOT_FOUND", CodeOf(answer));
        Assert.Equal(before, await owner.DescribeAsync());
        await owner.Socket.ExpectNothingAsync();
    }

    [Theory]
    [MemberData(nameof(OnThingsOfOthers))]
    public async Task Event_OfAUserOutsideTheRoom_IsRefusedAndChangesNothing(string name)
    {
        using var owner = await Participant.JoinAsync(world);
        var before = await owner.DescribeAsync();
        using var socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Eve.Token));
        await socket.AskAsync("join-room", JsonSerializer.Serialize(new { roomId = $"elsewhere-{Guid.NewGuid():N}" }));

        var answer = await socket.AskAsync(name, JsonSerializer.Serialize(Events[name]!(owner)));

        Assert.Equal("NOT_FOUND", CodeOf(answer));
        Assert.Equal(before, await owner.DescribeAsync());
        await owner.Socket.ExpectNothingAsync();
    }

    [Theory]
    [MemberData(nameof(OnThingsOfOthers))]
    public async Task Event_InTheRoomWithAnothersIds_IsRefusedAndChangesNothing(string name)
    {
        using var owner = await Participant.JoinAsync(world);
        using var socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Eve.Token));
        await socket.AskAsync("join-room", JsonSerializer.Serialize(new { roomId = owner.Room }));
        await owner.Socket.ExpectAsync("peer-joined");
        var before = await owner.DescribeAsync();

        var answer = await socket.AskAsync(name, JsonSerializer.Serialize(Events[name]!(owner)));

        Assert.Contains(CodeOf(answer), (string[])["NOT_FOUND", "FORBIDDEN"]);
        Assert.Equal(before, await owner.DescribeAsync());
        await owner.Socket.ExpectNothingAsync();
    }

    [Fact]
    public async Task Resume_WithAnothersResumeToken_MakesAPlaceOfItsOwn()
    {
        using var owner = await Participant.JoinAsync(world);
        var before = await owner.DescribeAsync();
        using var socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Eve.Token));

        var joined = await socket.AskAsync("join-room", JsonSerializer.Serialize(new { roomId = owner.Room, resumeToken = owner.ResumeToken }));

        Assert.NotEqual(owner.PeerId, joined.GetProperty("peerId").GetString());
        Assert.False(joined.GetProperty("resumed").GetBoolean());
        await owner.Socket.ExpectAsync("peer-joined");
        await socket.AskAsync("leave-room", "{}");
        await owner.Socket.ExpectAsync("peer-left");
        Assert.Equal(before, await owner.DescribeAsync());
    }

    private static string TokenOf(string token) => JsonSerializer.Serialize(new { token });

    private static string? CodeOf(JsonElement answer)
        => answer.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : answer.GetRawText();

    /// <summary>Alice in a room of her own, with a transport, a producer and, of Bob's producer, a consumer.</summary>
    private sealed class Participant : IDisposable
    {
        private AccessWorld _world = null!;
        private RawSocket _bob = null!;

        public string Room { get; } = $"room-{Guid.NewGuid():N}";

        public RawSocket Socket { get; private set; } = null!;

        public string PeerId { get; private set; } = "";

        public string ResumeToken { get; private set; } = "";

        public string TransportId { get; private set; } = "";

        public string ProducerId { get; private set; } = "";

        public string ConsumerId { get; private set; } = "";

        public static async Task<Participant> JoinAsync(AccessWorld world)
        {
            Participant participant = new() { _world = world };
            participant._bob = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Bob.Token));
            await participant.AskAsync(participant._bob, "join-room", new { roomId = participant.Room });
            var (_, bobs) = await participant.ProduceAsync(participant._bob);

            participant.Socket = await RawSocket.ConnectAsync(world.Http.BaseAddress!, Namespace, TokenOf(world.Alice.Token));
            var joined = await participant.AskAsync(participant.Socket, "join-room", new { roomId = participant.Room });
            participant.PeerId = joined.GetProperty("peerId").GetString()!;
            participant.ResumeToken = joined.GetProperty("resumeToken").GetString()!;
            (participant.TransportId, participant.ProducerId) = await participant.ProduceAsync(participant.Socket);
            var consumer = await participant.AskAsync(
                participant.Socket, "consume", new { roomId = participant.Room, transportId = participant.TransportId, producerId = bobs, rtpCapabilities = new { } });
            participant.ConsumerId = consumer.GetProperty("id").GetString()!;
            return participant;
        }

        /// <summary>What the room knows of Alice and Bob, and every object of the room on the media node.</summary>
        public async Task<string> DescribeAsync()
        {
            var snapshot = await _world.Grains.GetGrain<IRoomGrain>(Room).GetSnapshotAsync();
            var hosted = _world.Node.Find(Room)!;
            return JsonSerializer.Serialize(new
            {
                participants = snapshot.Participants.Where(p => p.UserId == _world.Alice.Id || p.UserId == _world.Bob.Id).OrderBy(p => p.ParticipantId),
                producers = snapshot.Producers.OrderBy(p => p.ProducerId),
                transports = hosted.Transports.OrderBy(t => t.Key),
                media = hosted.Producers.Values.OrderBy(p => p.ProducerId),
                consumers = hosted.Consumers.Values.OrderBy(c => c.ConsumerId),
                commands = _world.Node.CommandsSoFar().Count(c => Touches(c.ToString())),
            });
        }

        public void Dispose()
        {
            Socket.Dispose();
            _bob.Dispose();
        }

        private bool Touches(string command) => command.Contains(TransportId, StringComparison.Ordinal)
            || command.Contains(ProducerId, StringComparison.Ordinal) || command.Contains(ConsumerId, StringComparison.Ordinal);

        private async Task<(string Transport, string Producer)> ProduceAsync(RawSocket socket)
        {
            var transport = (await AskAsync(socket, "create-transport", new { roomId = Room })).GetProperty("id").GetString()!;
            var producer = await AskAsync(socket, "produce", new { roomId = Room, transportId = transport, kind = "audio", rtpParameters = new { } });
            return (transport, producer.GetProperty("id").GetString()!);
        }

        private async Task<JsonElement> AskAsync(RawSocket socket, string name, object argument)
        {
            var answer = await socket.AskAsync(name, JsonSerializer.Serialize(argument));
            Assert.False(answer.TryGetProperty("error", out _), $"{name}: {answer}");
            return answer;
        }
    }
}
