using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using VoiceCluster.Media.Net;

namespace VoiceCluster.Media.Interop.Linux;

/// <summary>
/// One UDP port by recvmmsg, sendmmsg, epoll and an eventfd. All buffers are native and allocated once.
/// One thread calls everything but <see cref="Wake"/>, which any thread may call.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class LinuxUdpSocket : IBatchSocket
{
    /// <summary>Ready descriptors that one wait sees; with more of them each gets its turn (epoll(7)).</summary>
    private const int MaxReady = 128;

    /// <summary>What a ready descriptor of this class itself says; other sockets' tokens are not negative.</summary>
    private const int OwnToken = -1;

    private readonly Lock _wakeGate = new();
    private readonly int _fd;
    private readonly int _epoll;
    private readonly int _event;
    private readonly bool _isIPv6;
    private readonly LinuxReceiveBatch _in;
    private readonly LinuxSendQueue _out;
    private readonly int[] _ready = new int[MaxReady];
    private int _readyCount;
    private uint _overflow;
    private bool _disposed;

    /// <summary>Opens and binds. Throws <see cref="SocketException"/>, with AddressAlreadyInUse when the port is taken.</summary>
    /// <param name="endPoint">Where to bind; port 0 for any.</param>
    /// <param name="bufferSize">Bytes of the kernel's buffers.</param>
    /// <param name="useSegments">Whether the kernel may cut one message into several datagrams (UDP_SEGMENT), where it can.</param>
    /// <param name="sharesPort">Lets other sockets of this process have the same port; <see cref="Steer"/> says who gets what.</param>
    /// <param name="time">When receivers whose path takes no grouped datagrams are tried again; the system's when null.</param>
    public LinuxUdpSocket(IPEndPoint endPoint, int bufferSize, bool useSegments = true, bool sharesPort = false, TimeProvider? time = null)
    {
        _isIPv6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        _fd = _epoll = _event = -1;
        try
        {
            _fd = Check(LibC.Socket(_isIPv6 ? LibC.AfInet6 : LibC.AfInet, LibC.SockDgram | LibC.SockNonBlock | LibC.SockCloExec, 0));
            if (_isIPv6)
            {
                // "::" serves both families; addresses of IPv4 peers come as mapped ones.
                SetOption(LibC.IpProtoIPv6, LibC.IPv6V6Only, 0);
            }

            // The force variant needs CAP_NET_ADMIN and passes over net.core.rmem_max; the plain one is cut at it.
            _ = TrySetOption(LibC.SoRcvBufForce, bufferSize) || TrySetOption(LibC.SoRcvBuf, bufferSize);
            _ = TrySetOption(LibC.SoSndBufForce, bufferSize) || TrySetOption(LibC.SoSndBuf, bufferSize);
            SetOption(LibC.SolSocket, LibC.SoRxqOvfl, 1);

            // socket(7): the kernel doubles what was asked for and answers the double.
            int given;
            uint size = sizeof(int);
            Check(LibC.GetSockOpt(_fd, LibC.SolSocket, LibC.SoRcvBuf, &given, &size));
            ReceiveBufferSize = given / 2;

            if (sharesPort)
            {
                SetOption(LibC.SolSocket, LibC.SoReusePort, 1);
            }

            LibC.SocketAddress address;
            var length = LinuxSocketAddress.Write(TransportAddress.From(endPoint), _isIPv6, &address);
            Check(LibC.Bind(_fd, &address, length));
            uint nameLength = (uint)sizeof(LibC.SocketAddress);
            Check(LibC.GetSockName(_fd, &address, &nameLength));
            LocalEndPoint = new IPEndPoint(endPoint.Address, LinuxSocketAddress.Read(address).Port);

            _event = Check(LibC.EventFd(0, LibC.EfdNonBlock | LibC.EfdCloExec));
            _epoll = Check(LibC.EpollCreate1(LibC.EpollCloExec));
            Watch(_fd);
            Watch(_event);
        }
        catch
        {
            CloseDescriptors();
            throw;
        }

        _in = new LinuxReceiveBatch();
        _out = new LinuxSendQueue(_fd, _isIPv6, useSegments, time ?? TimeProvider.System);
    }

    /// <inheritdoc/>
    public IPEndPoint LocalEndPoint { get; }

    /// <inheritdoc/>
    public int ReceiveBufferSize { get; }

    /// <inheritdoc/>
    public long ReceiveQueueOverflows { get; private set; }

    /// <inheritdoc/>
    public long SendFailures => _out.Failures;

    /// <inheritdoc/>
    public long SendMessages => _out.Messages;

    /// <inheritdoc/>
    public bool HasQueued => !_out.IsEmpty;

    /// <inheritdoc/>
    public void FlushAndGather(bool gather)
    {
        _out.Flush();
        _out.Gathers = gather;
    }

    /// <inheritdoc/>
    public void Wait(long timeoutMicroseconds)
    {
        var milliseconds = timeoutMicroseconds <= 0 ? 0 : (int)Math.Min((timeoutMicroseconds + 999) / 1_000, int.MaxValue);

        var items = stackalloc byte[MaxReady * LibC.EpollEventSize];
        var ready = LibC.EpollWait(_epoll, items, MaxReady, milliseconds);
        if (ready < 0 && Marshal.GetLastPInvokeError() != LibC.EIntr)
        {
            throw new Win32Exception();
        }

        if (ready > 0)
        {
            ulong count;
            _ = LibC.Read(_event, &count, sizeof(ulong));
        }

        // The own descriptors are found ready by trying.
        _readyCount = 0;
        for (var i = 0; i < ready; i++)
        {
            var token = *(int*)(items + (i * LibC.EpollEventSize) + LibC.EpollDataOffset);
            if (token != OwnToken)
            {
                _ready[_readyCount++] = token;
            }
        }
    }

    /// <inheritdoc/>
    public void WaitAlsoFor(IBatchSocket other) => Watch(((LinuxUdpSocket)other)._fd);

    /// <inheritdoc/>
    public void WaitAlsoFor(Socket other, int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        Watch((int)other.Handle, token);
    }

    /// <inheritdoc/>
    public void WaitNoMoreFor(Socket other)
    {
        var ignored = stackalloc byte[LibC.EpollEventSize];
        Check(LibC.EpollCtl(_epoll, LibC.EpollCtlDelete, (int)other.Handle, ignored));
    }

    /// <inheritdoc/>
    public bool TryTakeReady(out int token)
    {
        token = _readyCount > 0 ? _ready[--_readyCount] : OwnToken;
        return token != OwnToken;
    }

    /// <summary>
    /// Of several sockets at one port, opened in order, the datagram goes to the one whose place is the big-endian word at
    /// <paramref name="offset"/> modulo their number; one that is too short to the first.
    /// </summary>
    public void Steer(int offset, int sockets)
    {
        // Classic BPF over the UDP payload (socket(7), SO_ATTACH_REUSEPORT_CBPF): A = word[offset]; A %= sockets; return A.
        var program = stackalloc LibC.SockFilter[3];
        program[0] = new LibC.SockFilter { Code = LibC.BpfLoadWordAbsolute, K = (uint)offset };
        program[1] = new LibC.SockFilter { Code = LibC.BpfModuloConstant, K = (uint)sockets };
        program[2] = new LibC.SockFilter { Code = LibC.BpfReturnA };
        var attached = new LibC.SockFprog { Length = 3, Filter = program };
        Check(LibC.SetSockOpt(_fd, LibC.SolSocket, LibC.SoAttachReusePortCbpf, (int*)&attached, (uint)sizeof(LibC.SockFprog)));
    }

    /// <inheritdoc/>
    public void Pause(long microseconds)
    {
        // The event is looked at and not taken, so the wait that follows ends at once.
        var item = new LibC.PollFd { Fd = _event, Events = LibC.PollIn };
        var timeout = new LibC.TimeSpec { Seconds = microseconds / 1_000_000, Nanoseconds = microseconds % 1_000_000 * 1_000 };
        _ = LibC.PPoll(&item, 1, &timeout, null);
    }

    /// <inheritdoc/>
    public int ReceiveBatch()
    {
        var before = _overflow;
        var count = _in.Receive(_fd, ref _overflow);
        ReceiveQueueOverflows += unchecked(_overflow - before);
        return count;
    }

    /// <inheritdoc/>
    public Span<byte> Datagram(int index, out TransportAddress from) => _in.Datagram(index, out from);

    /// <inheritdoc/>
    public Span<byte> Rent() => _out.Rent();

    /// <inheritdoc/>
    public long Batch => _out.Batch;

    /// <inheritdoc/>
    public void Send(int length, in TransportAddress destination) => _out.Add(length, destination);

    /// <inheritdoc/>
    public void Flush() => _out.Flush();

    /// <inheritdoc/>
    public void Wake()
    {
        ulong one = 1;
        lock (_wakeGate)
        {
            // Not after the descriptor is closed: its number may be somebody else's by then.
            if (!_disposed)
            {
                _ = LibC.Write(_event, &one, sizeof(ulong));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_wakeGate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        CloseDescriptors();
        _in.Dispose();
        _out.Dispose();
    }

    private void Watch(int fd, int token = OwnToken)
    {
        var item = stackalloc byte[LibC.EpollEventSize];
        *(uint*)item = LibC.EpollIn;
        *(int*)(item + LibC.EpollDataOffset) = token;
        Check(LibC.EpollCtl(_epoll, LibC.EpollCtlAdd, fd, item));
    }

    private bool TrySetOption(int name, int value) => LibC.SetSockOpt(_fd, LibC.SolSocket, name, &value, sizeof(int)) == 0;

    private void SetOption(int level, int name, int value) => Check(LibC.SetSockOpt(_fd, level, name, &value, sizeof(int)));

    private void CloseDescriptors()
    {
        foreach (var fd in (ReadOnlySpan<int>)[_epoll, _event, _fd])
        {
            if (fd >= 0)
            {
                _ = LibC.Close(fd);
            }
        }
    }

    private static int Check(int result)
    {
        if (result >= 0)
        {
            return result;
        }

        var errno = Marshal.GetLastPInvokeError();
        throw errno == LibC.EAddrInUse
            ? new SocketException((int)SocketError.AddressAlreadyInUse)
            : new SocketException((int)SocketError.SocketError, new Win32Exception(errno).Message);
    }
}
