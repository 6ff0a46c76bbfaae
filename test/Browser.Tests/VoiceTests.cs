using Xunit.Abstractions;

namespace VoiceCluster.Browser.Tests;

/// <summary>Who hears whom: each participant sends a tone of its own and listens for the tones of the others.</summary>
[Collection(ClusterGroup.Name)]
public sealed class VoiceTests(ClusterFixture cluster, ITestOutputHelper output)
{
    private const int MuteDeadlineMilliseconds = 10_000;

    [Fact]
    public async Task Room_TwoParticipantsInTwoPages_EachHearsTheOtherAndNeverItself()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        var ada = await first.JoinAsync("two", 440);
        var bob = await second.JoinAsync("two", 880);

        await ada.HearsExactlyAsync(880);
        await bob.HearsExactlyAsync(440);
        await first.WaitAsync("hasHeard", [ada.Key, new[] { 880 }], ada);
        await second.WaitAsync("hasHeard", [bob.Key, new[] { 440 }], bob);

        Assert.Empty(await ada.EverHeardAsync(440));
        Assert.Empty(await bob.EverHeardAsync(880));
    }

    [Fact]
    public async Task Room_EightParticipants_EachHearsExactlyTheSevenOthers()
    {
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        HarnessPage[] pages = [first, second];
        var people = new List<Participant>();
        for (var i = 0; i < 8; i++)
        {
            people.Add(await pages[i % 2].JoinAsync("eight", 400 + (200 * i)));
        }

        foreach (var page in pages)
        {
            await page.AllHearAsync(people.Where(p => p.Page == page), people);
        }

        foreach (var person in people)
        {
            await person.Page.WaitAsync("hasHeard", [person.Key, people.Where(p => p != person).Select(p => p.ToneHz).ToArray()], person);
            Assert.Empty(await person.EverHeardAsync(person.ToneHz));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PauseProducer_ByTheServerAloneOrBothSides_ListenerHearsSilenceUntilResume(bool atServerAlone)
    {
        await using var page = await cluster.OpenHarnessAsync();
        var room = $"mute-{atServerAlone}";
        var speaker = await page.JoinAsync(room, 600);
        var listener = await page.JoinAsync(room, 900);
        await listener.HearsExactlyAsync(600);

        // At the server alone: the client goes on sending, so that only the media node can have silenced it.
        var milliseconds = await page.CallAsync<int?>("muteUntilSilent", speaker.Key, listener.Key, atServerAlone, MuteDeadlineMilliseconds);

        Assert.NotNull(milliseconds);
        output.WriteLine($"silent {milliseconds} ms after the mute (wanted: 300 ms at most)");
        await listener.HearsExactlyAsync();
        await speaker.HearsExactlyAsync(900);
        await page.CallAsync("unmute", speaker.Key);
        await listener.HearsExactlyAsync(600);
        Assert.Single(await listener.EventsAsync("producer-paused"));
        Assert.Single(await listener.EventsAsync("producer-resumed"));
    }

    [Fact]
    public async Task CloseProducer_ListenerIsTold_VoiceIsGoneAndTheRestStays()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var ada = await page.JoinAsync("close", 600);
        var bob = await page.JoinAsync("close", 900);
        var eve = await page.JoinAsync("close", 1200);
        await page.AllHearAsync([ada, bob, eve], [ada, bob, eve]);

        await ada.CloseProducerAsync("audio");

        await bob.HearsExactlyAsync(1200);
        await eve.HearsExactlyAsync(900);
        await ada.HearsExactlyAsync(900, 1200);
        Assert.Single(await bob.EventsAsync("producer-closed"));
    }

    [Fact]
    public async Task Leave_OneOfThree_OthersStopHearingItAndAreTold()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var ada = await page.JoinAsync("leave", 500);
        var bob = await page.JoinAsync("leave", 800);
        var eve = await page.JoinAsync("leave", 1100);
        await page.AllHearAsync([ada, bob, eve], [ada, bob, eve]);

        await eve.LeaveAsync();

        await ada.HearsExactlyAsync(800);
        await bob.HearsExactlyAsync(500);
        var left = Assert.Single(await ada.EventsAsync("peer-left"));
        Assert.Equal(eve.PeerId, left.GetProperty("peerId").GetString());
    }

    [Fact]
    public async Task Join_LateWithoutAVoice_HearsThoseBeforeIt()
    {
        await using var page = await cluster.OpenHarnessAsync();
        var ada = await page.JoinAsync("late", 500);
        var bob = await page.JoinAsync("late", 800);
        await page.AllHearAsync([ada, bob], [ada, bob]);

        var late = await page.JoinAsync("late");

        await late.HearsExactlyAsync(500, 800);
        await ada.HearsExactlyAsync(800);
    }

    [Fact]
    public async Task Rooms_TwoAtOnce_NeverHearEachOther()
    {
        await using var page = await cluster.OpenHarnessAsync();
        Participant[] red = [await page.JoinAsync("red", 500), await page.JoinAsync("red", 700)];
        Participant[] blue = [await page.JoinAsync("blue", 900), await page.JoinAsync("blue", 1100)];
        await page.HaveHeardAsync(red);
        await page.HaveHeardAsync(blue);

        foreach (var person in red)
        {
            Assert.Empty(await person.EverHeardAsync(900, 1100));
        }

        foreach (var person in blue)
        {
            Assert.Empty(await person.EverHeardAsync(500, 700));
        }
    }

    [Fact]
    public async Task Rooms_TwentyOfThree_EachHearsItsOwnRoomOnly()
    {
        const int Rooms = 20;
        const int Seats = 3;
        await using var first = await cluster.OpenHarnessAsync();
        await using var second = await cluster.OpenHarnessAsync();
        HarnessPage[] pages = [first, second];
        var rooms = new List<Participant[]>();
        for (var room = 0; room < Rooms; room++)
        {
            var people = new Participant[Seats];
            for (var seat = 0; seat < Seats; seat++)
            {
                people[seat] = await pages[room % 2].JoinAsync($"twenty-{room}", 400 + (60 * ((room * Seats) + seat)), thrifty: true);
            }

            rooms.Add(people);
        }

        // All sixty talk all the time; the browsers listen to one room after the other, which spares their CPU.
        var all = rooms.SelectMany(r => r).Select(p => p.ToneHz).ToArray();
        foreach (var people in rooms)
        {
            var page = people[0].Page;
            var keys = people.Select(p => p.Key).ToArray();
            await page.CallAsync("setListening", keys, true);
            foreach (var person in people)
            {
                await page.WaitAsync("hasHeard", [person.Key, people.Where(p => p != person).Select(p => p.ToneHz).ToArray()], person);
                var strange = all.Except(people.Where(p => p != person).Select(p => p.ToneHz)).ToArray();
                Assert.Empty(await person.EverHeardAsync(strange));
            }

            await page.CallAsync("setListening", keys, false);
        }
    }
}
