using System.Diagnostics;
using VoiceCluster.Abstractions.Chats;
using VoiceCluster.Storage.Tests;

namespace VoiceCluster.ApiFrontend.Tests.Peers;

/// <summary>10,000 messages of 20 writers at once into one session, while readers page, on each database.</summary>
public sealed class ChatLoadTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private const int Writers = 20;
    private const int MessagesAWriter = 500;

    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    [Fact]
    public Task Messages_OfManyWriters_AreStoredOnceEachInOneOrderOnSqlite() => RunAsync(new PeersApp());

    [Fact]
    public async Task Messages_OfManyWriters_AreStoredOnceEachInOneOrderOnPostgres()
    {
        var database = await server.CreateDatabaseAsync();
        await RunAsync(new PeersApp(("DATABASE_URL", $"postgres://{database.Username}@{database.Host}:{database.Port}/{database.Database}")));
    }

    private static async Task RunAsync(PeersApp app)
    {
        await app.InitializeAsync();
        try
        {
            ChatUser[] users = [.. Enumerable.Range(0, Writers).Select(i => new ChatUser(Guid.NewGuid(), $"u{i}"))];
            var id = Guid.NewGuid();
            Assert.Null((await app.Grains.GetGrain<IChatGrain>(id).CreateSessionAsync(new NewChat(users[0], users, true, null))).Fault);

            var writing = Task.WhenAll(users.Select(async user =>
            {
                List<Guid> sent = [];
                for (var i = 0; i < MessagesAWriter; i++)
                {
                    var message = await app.Grains.GetGrain<IChatGrain>(id).SendAsync(new NewMessage(Guid.NewGuid(), user, null, ChatMessageType.Text, $"{user.Text} {i}"));
                    Assert.Null(message.Fault);
                    sent.Add(message.Value!.Id);
                }

                return sent;
            }));

            // A reader that follows from the first message on gets each one once, in order, while they are written.
            var following = FollowAsync(app, id, users[5].UserId);

            // A reader that pages from the end while writing goes on sees each message before its first page once, and in order.
            List<ChatMessage> paged = [];
            while (!writing.IsCompleted)
            {
                paged = await PageBackAsync(app, id, users[1].UserId);
                Assert.Equal(Enumerable.Range(1, paged.Count).Select(i => (long)i), paged.Select(m => m.Position));
            }

            var sent = await writing;
            var followed = await following;
            var first = await PageBackAsync(app, id, users[2].UserId);
            var second = await PageBackAsync(app, id, users[3].UserId);
            Assert.Equal(Writers * MessagesAWriter, first.Count);
            Assert.Equal(sent.SelectMany(s => s).Order(), first.Select(m => m.Id).Order());
            Assert.Equal(first.Select(m => m.Id), second.Select(m => m.Id));
            Assert.Equal(first.Select(m => m.Id), followed.Select(m => m.Id));
            Assert.Equal(first.Take(paged.Count).Select(m => m.Id), paged.Select(m => m.Id));
            foreach (var (user, ids) in users.Zip(sent))
            {
                Assert.Equal(ids, first.Where(m => m.Sender == user).Select(m => m.Id));
            }

            await app.RestartAsync();
            Assert.Equal(first.Select(m => m.Id), (await PageBackAsync(app, id, users[4].UserId)).Select(m => m.Id));
        }
        finally
        {
            await app.DisposeAsync();
        }
    }

    private static async Task<List<ChatMessage>> FollowAsync(PeersApp app, Guid id, Guid reader)
    {
        List<ChatMessage> all = [];
        for (var since = Stopwatch.StartNew(); all.Count < Writers * MessagesAWriter; await Task.Delay(10))
        {
            Assert.True(since.Elapsed < Deadline, $"{all.Count} messages were read");
            if (all.Count == 0)
            {
                all = await PageBackAsync(app, id, reader);
                continue;
            }

            var page = await app.Grains.GetGrain<IChatGrain>(id).GetMessagesAsync(reader, new MessagePageRequest(null, all[^1].Id, 500));
            Assert.Null(page.Fault);
            all.AddRange(page.Value!.Messages);
        }

        return all;
    }

    private static async Task<List<ChatMessage>> PageBackAsync(PeersApp app, Guid id, Guid reader)
    {
        List<ChatMessage> all = [];
        Guid? before = null;
        while (true)
        {
            var page = await app.Grains.GetGrain<IChatGrain>(id).GetMessagesAsync(reader, new MessagePageRequest(before, null, 500));
            Assert.Null(page.Fault);
            all.InsertRange(0, page.Value!.Messages);
            if (!page.Value.HasMore)
            {
                return all;
            }

            before = all[0].Id;
        }
    }
}
