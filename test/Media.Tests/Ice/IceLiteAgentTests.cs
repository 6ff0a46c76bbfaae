using VoiceCluster.Media.Ice;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Stun;

namespace VoiceCluster.Media.Tests.Ice;

/// <summary>The lite agent against requests made by hand and by <see cref="IceClient"/>.</summary>
public class IceLiteAgentTests
{
    private static readonly TransportAddress Alice = TransportAddress.FromIPv4(0xC0000201, 5000);
    private static readonly TransportAddress Mallory = TransportAddress.FromIPv4(0xC6336401, 6000);

    private readonly IceCredentials _local = IceCredentials.Create();
    private readonly byte[] _response = new byte[IceLiteAgent.MaxResponse];

    [Fact]
    public void Process_ClientCheck_CompletesAndGivesConsent()
    {
        var agent = new IceLiteAgent(_local);
        var client = new IceClient(IceCredentials.Create(), _local, 0);
        Span<byte> request = stackalloc byte[256];
        var length = client.TakeDatagram(request, 0);

        Assert.Equal(StunVerdict.Accepted, agent.Process(request[..length], Alice, 10, _response, out var answer));
        Assert.True(client.Process(_response.AsSpan(0, answer), 20));

        Assert.Equal(IceState.Completed, agent.State);
        Assert.Equal(Alice, agent.SelectedTuple);
        Assert.Equal(IceClientState.Connected, client.State);
        Assert.Equal(Alice, client.MappedAddress);
        Assert.Equal(
            [IceEventKind.TupleAdded, IceEventKind.TupleSelected, IceEventKind.StateChanged],
            Events(agent).Select(static item => item.Kind));
    }

    [Fact]
    public void Process_CheckWithoutNomination_ConnectsOnly()
    {
        var agent = new IceLiteAgent(_local);
        Assert.Equal(StunVerdict.Accepted, Check(agent, Alice, 0));
        Assert.Equal(IceState.Connected, agent.State);
        Assert.Equal(StunVerdict.Accepted, Check(agent, Mallory, 1));
        Assert.Equal(Alice, agent.SelectedTuple);
        Check(agent, Mallory, 2, nominate: true);
        Assert.Equal(Mallory, agent.SelectedTuple);
        Assert.Equal(IceState.Completed, agent.State);
    }

    [Fact]
    public void Process_CheckFromPort0_IsNoTuple()
    {
        // An authenticated client may write any source into its datagrams; sending to port 0 is an error.
        var agent = new IceLiteAgent(_local);
        Assert.Equal(StunVerdict.Ignored, Check(agent, Mallory with { Port = 0 }, 0, nominate: true));
        Assert.Equal(IceState.New, agent.State);
        Assert.False(agent.IsValidTuple(Mallory with { Port = 0 }));
    }

    [Fact]
    public void Process_LowerNominationNumber_DoesNotMoveTheSelection()
    {
        var agent = new IceLiteAgent(_local);
        Check(agent, Alice, 0, nomination: 5);
        Check(agent, Mallory, 1, nomination: 4);
        Assert.Equal(Alice, agent.SelectedTuple);
        Check(agent, Mallory, 2, nomination: 6);
        Assert.Equal(Mallory, agent.SelectedTuple);
    }

    [Fact]
    public void Process_WrongPassword_BindsNothing()
    {
        // RTP bleed (ES2025-01): an address is bound only after proof.
        var agent = new IceLiteAgent(_local);
        var forged = Build(_local.UsernameFragment, "not the password", nominate: true, nomination: null, controlled: false);
        Assert.Equal(StunVerdict.Unauthenticated, agent.Process(forged, Mallory, 0, _response, out var length));
        Assert.Equal(IceState.New, agent.State);
        Assert.False(agent.IsValidTuple(Mallory));
        Assert.Empty(Events(agent));
        Assert.True(StunMessage.TryParse(_response.AsSpan(0, length), out var error));
        Assert.Equal(401, error.ErrorCode);
    }

    [Fact]
    public void Process_UnauthenticatedFlood_IsNeverAmplified()
    {
        // STUN reflection (CVE-2020-26262 and kin): bytes out never exceed bytes in, and the answers are few.
        var agent = new IceLiteAgent(_local);
        var forged = Build("whoever", "wrong", nominate: false, nomination: null, controlled: false);
        var answers = 0;
        for (var i = 0; i < 1000; i++)
        {
            agent.Process(forged, Mallory, i, _response, out var length);
            Assert.True(length <= forged.Length);
            answers += length > 0 ? 1 : 0;
        }

        Assert.Equal(IceLiteAgent.MaxErrorsPerSecond, answers);
        Assert.Equal(StunVerdict.Unauthenticated, agent.Process(Bare(), Mallory, 5_000_000, _response, out var small));
        Assert.Equal(0, small);
    }

    [Fact]
    public void Process_Junk_GetsNoAnswer()
    {
        var agent = new IceLiteAgent(_local);
        var junk = new byte[64];
        Assert.Equal(StunVerdict.Malformed, agent.Process(junk, Mallory, 0, _response, out var length));
        Assert.Equal(0, length);
        Assert.Equal(StunVerdict.Ignored, agent.Process(VoiceCluster.Media.Tests.Stun.StunVectorTests.ResponseV4, Mallory, 0, _response, out length));
        Assert.Equal(0, length);
    }

    [Fact]
    public void Process_ControlledPeer_GetsRoleConflict()
    {
        var agent = new IceLiteAgent(_local);
        var request = Build(_local.UsernameFragment, _local.Password, nominate: false, nomination: null, controlled: true);
        Assert.Equal(StunVerdict.Refused, agent.Process(request, Alice, 0, _response, out var length));
        Assert.True(StunMessage.TryParse(_response.AsSpan(0, length), out var error));
        Assert.Equal(487, error.ErrorCode);
        Assert.True(error.VerifyIntegrity(System.Text.Encoding.UTF8.GetBytes(_local.Password)));
    }

    [Fact]
    public void Process_MoreTuplesThanKept_DropsTheLongestSilent()
    {
        var agent = new IceLiteAgent(_local);
        Check(agent, Alice, 0, nominate: true);
        for (ushort i = 1; i <= 100; i++)
        {
            Check(agent, TransportAddress.FromIPv4(0x0A000000u + i, i), i);
        }

        Assert.True(agent.IsValidTuple(Alice));
        Assert.False(agent.IsValidTuple(TransportAddress.FromIPv4(0x0A000001, 1)));
        Assert.True(agent.IsValidTuple(TransportAddress.FromIPv4(0x0A000064, 100)));
        var events = Events(agent);
        Assert.Equal(
            IceLiteAgent.MaxTuples,
            events.Count(static item => item.Kind == IceEventKind.TupleAdded) - events.Count(static item => item.Kind == IceEventKind.TupleRemoved));
    }

    [Fact]
    public void HandleTimeout_NoRequestFor30Seconds_LosesConsentAndComesBack()
    {
        var agent = new IceLiteAgent(_local);
        Check(agent, Alice, 0, nominate: true);
        Assert.Equal(IceLiteAgent.ConsentLifetime, agent.NextTimeout);
        agent.HandleTimeout(IceLiteAgent.ConsentLifetime - 1);
        Assert.Equal(IceState.Completed, agent.State);
        agent.HandleTimeout(IceLiteAgent.ConsentLifetime);
        Assert.Equal(IceState.Disconnected, agent.State);
        Assert.False(agent.IsValidTuple(Alice));
        Assert.Equal(long.MaxValue, agent.NextTimeout);

        Check(agent, Alice, 40_000_000, nominate: true);
        Assert.Equal(IceState.Completed, agent.State);
    }

    [Fact]
    public void Restart_OldCredentials_WorkUntilTheNewAreUsed()
    {
        var agent = new IceLiteAgent(_local);
        Check(agent, Alice, 0, nominate: true);
        var fresh = agent.Restart();
        Assert.Equal(StunVerdict.Accepted, Check(agent, Alice, 1));

        var renewed = Build(fresh.UsernameFragment, fresh.Password, nominate: true, nomination: null, controlled: false);
        Assert.Equal(StunVerdict.Accepted, agent.Process(renewed, Alice, 2, _response, out _));
        Assert.Contains(Events(agent), static item => item.Kind == IceEventKind.RestartCompleted);
        Assert.Equal(StunVerdict.Unauthenticated, Check(agent, Alice, 3));
        Assert.Equal(IceState.Completed, agent.State);
    }

    [Fact]
    public void Restart_TwiceBeforeTheNewAreUsed_KeepsThoseInUse()
    {
        var agent = new IceLiteAgent(_local);
        Check(agent, Alice, 0, nominate: true);
        agent.Restart();
        var fresh = agent.Restart();
        Assert.Equal(StunVerdict.Accepted, Check(agent, Alice, 1));

        var renewed = Build(fresh.UsernameFragment, fresh.Password, nominate: true, nomination: null, controlled: false);
        Assert.Equal(StunVerdict.Accepted, agent.Process(renewed, Alice, 2, _response, out _));
        Assert.Equal(StunVerdict.Unauthenticated, Check(agent, Alice, 3));
    }

    [Fact]
    public void Process_KnownRemoteFragment_MustMatch()
    {
        var agent = new IceLiteAgent(_local, "theirs");
        Assert.Equal(StunVerdict.Accepted, Check(agent, Alice, 0));
        var other = new IceLiteAgent(_local, "others");
        Assert.Equal(StunVerdict.Unauthenticated, Check(other, Alice, 0));
    }

    [Fact]
    public void TryGetLocalUfrag_Request_IsTheFirstHalf()
    {
        var request = Build(_local.UsernameFragment, "x", nominate: false, nomination: null, controlled: false);
        Assert.True(IceLiteAgent.TryGetLocalUfrag(request, out var ufrag));
        Assert.Equal(_local.UsernameFragment, System.Text.Encoding.UTF8.GetString(ufrag));
    }

    [Fact]
    public void Process_ThousandsOfChecks_AllocateNothing()
    {
        var agent = new IceLiteAgent(_local);
        var request = Build(_local.UsernameFragment, _local.Password, nominate: true, nomination: null, controlled: false);
        agent.Process(request, Alice, 0, _response, out _);
        var before = Allocations.Begin();
        for (var i = 0; i < 10_000; i++)
        {
            agent.Process(request, Alice, i, _response, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Client_LostConsent_Fails()
    {
        var client = new IceClient(IceCredentials.Create(), _local, 0);
        Span<byte> request = stackalloc byte[256];
        var sent = 0;
        for (var guard = 0; guard < 100 && client.State != IceClientState.Failed; guard++)
        {
            sent += client.TakeDatagram(request, client.NextTimeout) > 0 ? 1 : 0;
        }

        Assert.Equal(IceClientState.Failed, client.State);
        Assert.InRange(sent, 5, 20);
    }

    private StunVerdict Check(IceLiteAgent agent, TransportAddress from, long now, bool nominate = false, uint? nomination = null) =>
        agent.Process(Build(_local.UsernameFragment, _local.Password, nominate, nomination, controlled: false), from, now, _response, out _);

    private static byte[] Build(string ufrag, string password, bool nominate, uint? nomination, bool controlled)
    {
        Span<byte> buffer = stackalloc byte[256];
        var writer = new StunWriter(buffer, StunClass.Request, "abcdefghijkl"u8);
        writer.AddText(StunAttribute.Username, $"{ufrag}:theirs");
        writer.AddUInt64(controlled ? StunAttribute.IceControlled : StunAttribute.IceControlling, 7);
        if (nominate)
        {
            writer.Add(StunAttribute.UseCandidate, default);
        }

        if (nomination is { } number)
        {
            writer.AddUInt32(StunAttribute.Nomination, number);
        }

        writer.AddIntegrity(System.Text.Encoding.UTF8.GetBytes(password));
        writer.AddFingerprint();
        return writer.Written.ToArray();
    }

    private static byte[] Bare()
    {
        Span<byte> buffer = stackalloc byte[32];
        return new StunWriter(buffer, StunClass.Request, "abcdefghijkl"u8).Written.ToArray();
    }

    private static List<IceEvent> Events(IceLiteAgent agent)
    {
        var events = new List<IceEvent>();
        while (agent.TryTakeEvent(out var item))
        {
            events.Add(item);
        }

        return events;
    }
}
