using VoiceCluster.Abstractions;
using VoiceCluster.Grains.Chats;

namespace VoiceCluster.Grains.Tests.Chats;

public sealed class ChatTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Guid Creator = Guid.NewGuid();
    private static readonly Guid Other = Guid.NewGuid();

    [Fact]
    public void Create_WithRepeatedMembers_HasEachOnceAndTheCreator()
    {
        var chat = Chat.Create(Guid.NewGuid(), Creator, [Other, Other, Creator], Now, 10);

        Assert.Equal([Creator, Other], chat.Value!.MemberIds);
    }

    [Fact]
    public void Create_AloneOrTooMany_IsInvalid()
    {
        Assert.Equal(FaultCode.Invalid, Chat.Create(Guid.NewGuid(), Creator, [Creator], Now, 10).Fault?.Code);
        Assert.Equal(FaultCode.Invalid, Chat.Create(Guid.NewGuid(), Creator, [Other, Guid.NewGuid()], Now, 2).Fault?.Code);
    }

    [Fact]
    public void CheckMembers_StrangerOrNoChat_IsForbidden()
    {
        var chat = Chat.Create(Guid.NewGuid(), Creator, [Other], Now, 10).Value;

        Assert.Null(Chat.CheckMembers(chat, Creator, Other));
        Assert.Equal(FaultCode.Forbidden, Chat.CheckMembers(chat, Creator, Guid.NewGuid())?.Code);
        Assert.Equal(FaultCode.Forbidden, Chat.CheckMembers(null, Creator)?.Code);
    }
}
