using VoiceCluster.ApiFrontend.Doors.Calls;

namespace VoiceCluster.ApiFrontend.Tests.Auth;

/// <summary>Every message of the WebSocket <c>/api/v1/ws</c>, sent by a stranger about somebody's call. A new type gets a row here.</summary>
public sealed class OwnerMessageTests(AccessWorld world) : IClassFixture<AccessWorld>
{
    /// <summary>What else is in a message's data, and whether the message is about a call at all.</summary>
    private static readonly Dictionary<string, (string More, bool IsAboutACall)> Messages = new()
    {
        ["ping"] = ("", false),
        ["call:accept"] = ("", true),
        ["call:reject"] = ("", true),
        ["call:hangup"] = ("", true),
        ["call:connected"] = ("", true),
        ["call:webrtc:offer"] = (""","offer":{"type":"offer","sdp":"v=0"}""", true),
        ["call:webrtc:answer"] = (""","answer":{"type":"answer","sdp":"v=0"}""", true),
        ["call:webrtc:candidate"] = (""","candidate":{"candidate":"candidate:1"}""", true),
    };

    public static TheoryData<string, bool> AboutCalls
    {
        get
        {
            TheoryData<string, bool> rows = [];
            foreach (var type in Messages.Where(m => m.Value.IsAboutACall).Select(m => m.Key))
            {
                rows.Add(type, false);
                rows.Add(type, true);
            }

            return rows;
        }
    }

    [Fact]
    public void Messages_All_AreInTheTable()
        => Assert.Equal(CallSocketMessage.Types.Order(StringComparer.Ordinal), Messages.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(AboutCalls))]
    public async Task Message_OfAStranger_IsRefusedAndChangesNothing(string type, bool isAccepted)
    {
        await using var property = await OwnerRouteTests.Property.MakeAsync(world);
        if (isAccepted)
        {
            await property.AcceptAsync();
        }

        await using var socket = await world.Eve.ConnectAsync();
        var before = await property.DescribeAsync();

        await socket.SendAsync(type, property.CallId, Messages[type].More);

        await socket.ErrorAsync("NOT_A_MEMBER");
        Assert.Equal(before, await property.DescribeAsync());
        await property.HeardNothingAsync();
    }

    [Fact]
    public async Task Socket_WithoutToken_IsRefused()
    {
        using System.Net.WebSockets.ClientWebSocket socket = new();
        UriBuilder address = new(world.Http.BaseAddress!) { Scheme = "ws", Path = "/api/v1/ws" };

        var refused = await Assert.ThrowsAsync<System.Net.WebSockets.WebSocketException>(() => socket.ConnectAsync(address.Uri, CancellationToken.None));

        Assert.Contains("401", refused.Message, StringComparison.Ordinal);
    }
}
