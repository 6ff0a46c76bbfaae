using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.CallSessions;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Abstractions.Events;
using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Recordings;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Browser.Tests;
using VoiceCluster.Events.Inbound;
using VoiceCluster.Grains.Calls;
using VoiceCluster.Grains.Recordings;
using VoiceCluster.Grains.Rooms;

namespace VoiceCluster.Events.Tests.Schemas;

/// <summary>Code, schemas and documentation, held against each other.</summary>
public sealed class EventSchemaTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
    private static readonly Guid Alice = Guid.Parse("6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11");
    private static readonly Guid Bob = Guid.Parse("0d9c4f4e-1d7b-4c35-8a67-0f1c3a1f2b22");
    private static readonly Guid Carol = Guid.Parse("b5a8cb0d-1a53-4f11-9d61-7a9c1f4f3c33");

    private static string[] Types { get; } =
    [
        .. typeof(EventTypes).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!),
    ];

    [Fact]
    public void Schemas_AndEventTypes_AreTheSame() =>
        Assert.Equal(Types.Order(StringComparer.Ordinal), EventSchemas.Named(EventSchemas.Folder).Select(s => s.Type).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Schemas_OfInboundMessages_AreTheSubjectsThatAreObeyed() =>
        Assert.Equal(ExternalEvent.Subjects.Order(), EventSchemas.Named(EventSchemas.InboundFolder).Select(s => s.Type).Order());

    [Fact]
    public void Document_NamesEveryEventAndNoOther()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "events.md"));
        var named = Regex.Matches(document, @"^\| `((?:\w+\.)+\w+)` \|", RegexOptions.Multiline).Select(m => m.Groups[1].Value);
        Assert.Equal(Types.Concat(ExternalEvent.Subjects).Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Document_Examples_AreValidAndCoverEveryEvent()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "events.md"));
        var examples = Regex.Matches(document, "```json\n(.*?)```", RegexOptions.Singleline)
            .SelectMany(m => m.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l))
            .ToArray();
        Assert.All(examples, e => EventSchemas.AssertValid(e, e.GetProperty("type").GetString()!));
        Assert.Equal(Types.Order(), examples.Select(e => e.GetProperty("type").GetString()!).Distinct().Order());
    }

    /// <summary>A type that grains write in their sources, and that EventTypes does not have, would have no schema.</summary>
    [Fact]
    public void Sources_NameOnlyKnownEventTypes()
    {
        var literal = new Regex("\"((?:call|chat|recording|room|media|voice)\\.[a-z_]+(?:\\.[a-z_]+)*)\"");
        var named = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "Grains"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(f => literal.Matches(File.ReadAllText(f)).Select(m => m.Groups[1].Value));
        Assert.Empty(named.Except(Types));
    }

    [Fact]
    public void Calls_EveryEventOfTheRules_IsAsItsSchemaSays()
    {
        var seen = Calls().SelectMany(c => c.Events).ToArray();
        Assert.All(seen, AssertValid);
        Assert.Equal(Types.Where(IsOfCalls).Order(), seen.Select(e => e.Type).Distinct().Order());
    }

    [Fact]
    public void Rooms_EveryRoomEvent_IsToldAsItsSchemaSays()
    {
        var published = new RecordingPublisher();
        var news = new RoomNews("room-1", 7, published, TimeProvider.System);
        var alice = new ParticipantInfo("p1", Alice, "1", "Alice \u00fc", "mediasoup", false, false);
        var producer = new ProducerInfo("t1", "p1", MediaKind.Audio, false);
        RoomEvent[] events =
        [
            new ParticipantJoined(1, alice), new ParticipantUpdated(2, alice with { Muted = true }), new ProducerAdded(3, producer),
            new ProducerUpdated(4, producer with { Paused = true }), new SpeakersChanged(5, [new Speaker("p1", -30), new Speaker("unknown", -127)]),
            new SpeakingChanged(5, ["p1"], []), new SpeakingChanged(5, [], ["p1", "unknown"]), new MediaMoved(6, "{}"), new ProducerRemoved(7, "t1", "p1"), new ParticipantLeft(8, "p1", LeaveReason.Removed),
        ];
        news.Tell(events, new MediaNodeId("node-1", Guid.NewGuid()));
        news.Close();
        new RoomNews("room-1", 8, published, TimeProvider.System).Open([alice]);

        Assert.All(published.Durable.Concat(published.Transient), AssertValid);
        Assert.Equal(
            [
                "room.opened 1", "room.participant.joined 2", "room.participant.updated 3", "room.producer.added 4", "room.producer.updated 5",
                "room.media.moved 6", "room.producer.removed 7", "room.participant.left 8", "room.closed 9", "room.opened 1",
            ],
            published.Durable.Cast<RoomDomainEvent>().Select(e => $"{e.Type} {e.Sequence}"));
        Assert.Equal(
            ["room.speakers.changed", "room.speaking.started", "room.speaking.stopped", "room.speaking.stopped"], published.Transient.Select(e => e.Type));

        // An event that is new in rooms must be told as well; only those for single participants are not.
        Type[] known = [.. events.Select(e => e.GetType()), typeof(Evicted), typeof(OthersMediaMoved)];
        Assert.Empty(typeof(RoomEvent).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(RoomEvent)) && !t.IsAbstract).Except(known));
    }

    [Fact]
    public void Records_OfOtherEvents_AreAsTheirSchemasSay()
    {
        var id = Guid.NewGuid();
        DomainEvent[] events =
        [
            new ChatCreatedEvent(id, Now, Guid.NewGuid(), Alice, [Alice, Bob]),
            new MediaNodeJoinedEvent(id, Now, "node-1", Guid.NewGuid(), "http://127.0.0.1:8089", 5_000),
            new MediaNodeGoneEvent(id, EventTypes.MediaNodeLeft, Now, "node-1", Guid.NewGuid(), 0),
            new MediaNodeGoneEvent(id, EventTypes.MediaNodeLost, Now, "node-1", Guid.NewGuid(), 3),
            new VoiceSessionEvent(id, EventTypes.VoiceSessionCreated, Now, "s1", Alice, "c1", false, false, null),
            new VoiceSessionEvent(id, EventTypes.VoiceSessionUpdated, Now, "s1", Alice, "c1", true, false, null),
            new VoiceSessionEvent(id, EventTypes.VoiceSessionEnded, Now, "s1", Alice, "c1", true, false, "moved"),
            new VoiceSpeakingEvent(id, EventTypes.VoiceSpeakingStarted, Now, "s1", Alice, "c1", -20),
            new VoiceSpeakingEvent(id, EventTypes.VoiceSpeakingStopped, Now, "s1", Alice, "c1", -127),
            new ChatMemberJoinedEvent(id, Now, Guid.NewGuid(), Bob, Alice),
            new ChatMessageCreatedEvent(id, Now, Guid.NewGuid(), Guid.NewGuid(), 1, Alice, null, ChatMessageType.Text, "Hello \ud83d\udc4b"),
            new ChatMessageCreatedEvent(id, Now, Guid.NewGuid(), Guid.NewGuid(), 2, Alice, Bob, ChatMessageType.File, "See"),
            new ChatAttachmentAddedEvent(id, Now, Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Alice, "image", "https://example.com/a.jpg", null, null, null),
            new ChatReactionEvent(id, EventTypes.ChatReactionAdded, Now, Guid.NewGuid(), Guid.NewGuid(), Alice, "\ud83d\udc4d"),
            new ChatReactionEvent(id, EventTypes.ChatReactionRemoved, Now, Guid.NewGuid(), Guid.NewGuid(), Alice, "\ud83d\udc4d"),
            .. CallSessions(),
            .. Recordings(),
        ];
        Assert.All(events, AssertValid);

        // Every record and every type stands in one of these tests.
        Type[] told = [.. events.Select(e => e.GetType()).Distinct(), typeof(CallEvent)];
        Assert.Empty(typeof(DomainEvent).Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(DomainEvent)) && !t.IsAbstract && !t.Name.StartsWith("Room", StringComparison.Ordinal)).Except(told));
        Assert.Empty(Types.Where(t => !IsOfCalls(t) && !t.StartsWith("room.", StringComparison.Ordinal))
            .Except(events.Select(e => e.Type)));
    }

    [Theory]
    [InlineData("{}", "lacks id")]
    [InlineData("""{"id":"x","type":"chat.created","version":1,"time":"2026","key":"","data":{"more":1}}""", "is 'x', no uuid")]
    public void Schema_OfAWrongEvent_Refuses(string json, string error)
    {
        var errors = JsonSchema.Load(Path.Combine(EventSchemas.Folder, "chat.created.v1.json")).Validate(JsonSerializer.Deserialize<JsonElement>(json));
        Assert.Contains(errors, e => e.Contains(error, StringComparison.Ordinal));
        Assert.True(errors.Count >= 5);
    }

    [Fact]
    public void Envelope_OfAnEvent_IsAsDocumented()
    {
        var id = Guid.Parse("0197c3a0-0000-7000-8000-000000000001");
        var json = System.Text.Encoding.UTF8.GetString(EventEnvelope.Serialize(
            new VoiceSpeakingEvent(id, EventTypes.VoiceSpeakingStarted, Now, "s1", Alice, "c1", -20)));
        Assert.Equal(
            """{"id":"0197c3a0-0000-7000-8000-000000000001","type":"voice.speaking.started","version":1,"time":"2026-01-02T03:04:05.678Z","key":"s1","data":{"session_id":"s1","user_id":"6a0e2f4b-8d6f-4f6e-9c1e-3c5f0b7f9a11","channel_id":"c1","level":-20}}""",
            json);
    }

    /// <summary>Calls of two and of three through the real rules, so that each event type comes at least once.</summary>
    private static IEnumerable<Call> Calls()
    {
        foreach (var group in (bool[])[false, true])
        {
            Guid[] recipients = group ? [Bob, Carol] : [Bob];
            var origin = new CallOrigin("d:phone", null);
            Call Start(params Guid[] busy) => Call.Start(
                Guid.NewGuid(), new StartCall(Guid.NewGuid(), Alice, recipients, CallType.Video, origin), busy, Now, TimeSpan.FromSeconds(30));
            Call After(params Action<Call>[] steps)
            {
                var call = Start();
                foreach (var step in steps)
                {
                    step(call);
                }

                return call;
            }

            yield return Start(recipients);
            yield return After(c => c.Accept(Bob, origin, Now), c => c.Connected(Bob, Now), c => c.Hangup(Alice, Now), c => c.Hangup(Bob, Now));
            yield return After(c => c.Accept(Bob, origin, Now), c => c.Accept(Carol, origin, Now), c => c.Hangup(Carol, Now), c => c.PartiesGone(Now));
            yield return After(c => c.Reject(Bob, origin, Now), c => c.Reject(Carol, origin, Now));
            yield return After(c => c.Expire(Now + TimeSpan.FromMinutes(1)));
            yield return After(c => c.Accept(Bob, origin, Now), c => c.Reject(Carol, origin, Now));
            yield return After(c => c.Accept(Bob, origin, Now), c => c.Expire(Now + TimeSpan.FromMinutes(1)));
            yield return After(c => c.Hangup(Alice, Now));
        }
    }

    private static bool IsOfCalls(string type) =>
        type.StartsWith("call.", StringComparison.Ordinal) && !type.StartsWith("call.session.", StringComparison.Ordinal);

    private static IEnumerable<DomainEvent> CallSessions()
    {
        CallEventParticipant[] some = [new(Alice, CallRole.Host, false, 100), new(Bob, CallRole.Participant, true, 0)];
        CallSessionEvent Of(string type, CallSessionChange? change, Guid? user, Guid? by, CallSessionEnd? reason) =>
            new(Guid.NewGuid(), type, Now, Guid.NewGuid(), CallSessionType.Video, change, user, by, reason, some);
        yield return Of(EventTypes.CallSessionCreated, null, Alice, Alice, null);
        yield return Of(EventTypes.CallSessionJoined, CallSessionChange.Joined, Bob, Bob, null);
        yield return Of(EventTypes.CallSessionLeft, CallSessionChange.Kicked, Bob, Alice, CallSessionEnd.Kicked);
        yield return Of(EventTypes.CallSessionUpdated, CallSessionChange.RecordingStarted, Alice, Alice, null);
        yield return Of(EventTypes.CallSessionEnded, CallSessionChange.Ended, null, null, CallSessionEnd.Expired);
    }

    /// <summary>A recording through its states, by the real rules.</summary>
    private static IEnumerable<DomainEvent> Recordings()
    {
        var plan = new RecordingPlan(true, true, false, TimeSpan.FromHours(1), 1_000_000);
        var made = Recording.Create(Guid.NewGuid(), new RecordingRequest(Guid.NewGuid(), "r", Alice, "alice", plan), Now);
        var node = new MediaNodeId("node-1", Guid.NewGuid());
        RecordingFile file = new("mix.ogg", RecordingFileKind.Mix, null, null, null, "audio/ogg", 5, TimeSpan.FromSeconds(1.5), Now, true, "node-1", "http://node/mix.ogg");
        var runs = Recording.Report(made, new RecordingReport(node, RecordingStatus.Recording, null, []), Now).Value!;
        var ended = Recording.Report(runs, new RecordingReport(node, RecordingStatus.Stopped, null, [file]), Now).Value!;
        return [Recording.EventOf(made, runs, Now)!, Recording.EventOf(runs, ended, Now)!, Recording.EventOf(made, Recording.Fail(made, "No disk.", Now), Now)!];
    }

    private static void AssertValid(DomainEvent domainEvent)
    {
        var envelope = JsonSerializer.Deserialize<JsonElement>(EventEnvelope.Serialize(domainEvent));
        EventSchemas.AssertValid(envelope, domainEvent.Type);
        Assert.Equal(domainEvent.Key, envelope.GetProperty("key").GetString());
    }

    private sealed class RecordingPublisher : IEventPublisher
    {
        public List<DomainEvent> Durable { get; } = [];

        public List<DomainEvent> Transient { get; } = [];

        public void Publish(DomainEvent domainEvent) => Durable.Add(domainEvent);

        public void PublishTransient(DomainEvent domainEvent) => Transient.Add(domainEvent);
    }
}
