using VoiceCluster.Abstractions.Calls;
using VoiceCluster.Abstractions.Users;
using VoiceCluster.Grains.Users;

namespace VoiceCluster.Grains.Tests.Users;

public sealed class UserDevicesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly UserDevices _devices = new(4);

    [Fact]
    public void Select_ExceptNamedDevice_SparesAllItsConnections()
    {
        Add("d:phone");
        Add("d:phone");
        var laptop = Add("d:laptop");

        Assert.Equal([laptop.Observer], _devices.Select(new NoticeAudience(Except: new CallOrigin("d:phone", null))));
    }

    [Fact]
    public void Select_ExceptConnection_SparesOnlyThatOne()
    {
        var first = Add("t:1");
        var second = Add("t:1");

        Assert.Equal([second.Observer], _devices.Select(new NoticeAudience(Except: new CallOrigin("t:1", first.Id))));
    }

    [Fact]
    public void Select_ExceptTokenOfSeveralConnections_TellsAll()
    {
        Add("t:1");
        Add("t:1");

        Assert.Equal(2, _devices.Select(new NoticeAudience(Except: new CallOrigin("t:1", null))).Count);
    }

    [Fact]
    public void Select_ExceptUnknownDeviceWithOneConnection_TellsNobody()
    {
        Add("t:1");

        Assert.Empty(_devices.Select(new NoticeAudience(Except: new CallOrigin("t:2", null))));
    }

    [Fact]
    public void Select_OnlyDeviceThatIsGone_TellsAll()
    {
        Add("d:phone");
        Add("d:laptop");

        Assert.Equal(2, _devices.Select(new NoticeAudience(Only: new CallOrigin("d:tablet", Guid.NewGuid()))).Count);
    }

    [Fact]
    public void Touch_PastTheLimit_ForgetsTheOneSilentLongest()
    {
        var oldest = Add("d:0");
        for (var i = 1; i <= 4; i++)
        {
            Add($"d:{i}", Now.AddSeconds(i));
        }

        var all = _devices.Select(NoticeAudience.Everyone);
        Assert.Equal(4, all.Count);
        Assert.DoesNotContain(oldest.Observer, all);
    }

    [Fact]
    public void Sweep_LeaseRunsOut_ForgetsTheConnection()
    {
        Add("d:phone");
        Assert.False(_devices.Sweep(Now + UserLease.Expiry - TimeSpan.FromTicks(1)));
        Assert.True(_devices.Sweep(Now + UserLease.Expiry));
        Assert.False(_devices.IsAny);
    }

    private (Guid Id, IUserObserver Observer) Add(string device, DateTimeOffset? at = null)
    {
        (Guid Id, IUserObserver Observer) added = (Guid.NewGuid(), new RecordingUser());
        _devices.Touch(new UserConnection(added.Id, device), added.Observer, at ?? Now);
        return added;
    }
}
