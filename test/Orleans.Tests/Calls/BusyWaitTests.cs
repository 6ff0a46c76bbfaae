using System.Net;
using System.Net.Sockets;
using Orleans.Runtime.Networking;

namespace VoiceCluster.Engine.Tests.Calls;

/// <summary>When a thread waits for the next message without sleeping, and when not.</summary>
public sealed class BusyWaitTests : IDisposable
{
    private readonly Socket _socket;
    private readonly Socket _other;
    private readonly BusyWait _wait;

    public BusyWaitTests()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _other.Connect(listener.LocalEndpoint);
        _socket = listener.AcceptSocket();
        _wait = new BusyWait(_socket);
    }

    public void Dispose()
    {
        _socket.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void Messages_ThatComeSoonOneByOne_AreWorthIt()
    {
        for (var i = 0; i < BusyWait.Trials; i++)
        {
            Assert.False(_wait.IsWorthIt);
            _wait.NoteSleep(BusyWait.Soon / 2);
        }

        Assert.True(_wait.IsWorthIt);
    }

    [Fact]
    public void Messages_ThatComeSeldomOrManyTogether_AreNot()
    {
        Warm();
        _wait.NoteSleep(BusyWait.Soon * 2);
        Assert.False(_wait.IsWorthIt);

        Warm();
        _wait.NoteMany();
        Assert.False(_wait.IsWorthIt);
    }

    [Fact]
    public void Work_ThatTakesLong_EndsItForAWhile()
    {
        Warm();
        _wait.NoteLongWork();
        Warm();
        Assert.False(_wait.IsWorthIt);
    }

    [Fact]
    public void Wait_InVain_EndsItAndTheNextTimeNeedsMore()
    {
        Warm();
        for (var i = 0; i < BusyWait.Patience; i++)
        {
            Assert.True(_wait.IsWorthIt);
            Assert.False(_wait.TryWait());
        }

        Assert.False(_wait.IsWorthIt);
        Warm();
        Assert.False(_wait.IsWorthIt);
        for (var i = 0; i < BusyWait.MaxTrials; i++)
        {
            _wait.NoteSleep(TimeSpan.Zero);
        }

        Assert.True(_wait.IsWorthIt);
    }

    [Fact]
    public void Wait_ForWhatHasCome_GoesOnForEver()
    {
        Warm();
        _other.Send([1]);
        Assert.True(_socket.Poll(TimeSpan.FromSeconds(30), SelectMode.SelectRead));
        for (var i = 0; i < BusyWait.Patience * 10; i++)
        {
            Assert.True(_wait.TryWait());
            Assert.True(_wait.IsWorthIt);
        }
    }

    [Fact]
    public void Wait_OnAClosedSocket_DoesNotThrow()
    {
        Warm();
        _socket.Dispose();
        _wait.TryWait();
    }

    private void Warm()
    {
        for (var i = 0; i < BusyWait.Trials; i++)
        {
            _wait.NoteSleep(TimeSpan.Zero);
        }
    }
}
