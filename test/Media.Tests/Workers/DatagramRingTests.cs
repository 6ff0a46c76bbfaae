using System.Buffers.Binary;
using VoiceCluster.Media.Net;
using VoiceCluster.Media.Workers;
using VoiceCluster.Tests;

namespace VoiceCluster.Media.Tests.Workers;

public sealed class DatagramRingTests
{
    private const int Smallest = 16_384;

    private readonly DatagramRing _ring = new(Smallest);

    [Theory]
    [InlineData(0)]
    [InlineData(8_192)]
    [InlineData(20_000)]
    public void Capacity_OfNoPowerOfTwoOrTooSmall_IsRefused(int capacity) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new DatagramRing(capacity));

    [Fact]
    public void Datagrams_AreSeenOncePublished_InTheirOrder()
    {
        Assert.False(_ring.Publish());
        Assert.True(Write(7, RingDatagramKind.Rtp, [1, 2, 3]));
        Assert.True(Write(8, RingDatagramKind.Rtcp, []));
        Assert.False(_ring.HasInput);
        Assert.False(_ring.TryRead(out _, out _, out _));

        Assert.True(_ring.Publish());
        Assert.False(_ring.Publish());
        Assert.True(_ring.HasInput);
        Assert.Equal((7, RingDatagramKind.Rtp, "010203"), Read());
        Assert.Equal((8, RingDatagramKind.Rtcp, ""), Read());
        Assert.False(_ring.HasInput);
        Assert.False(_ring.TryRead(out _, out _, out _));
    }

    [Fact]
    public void Rent_Again_GivesTheSamePlace_AndWhatIsNotCommittedIsNotThere()
    {
        _ring.Rent()[0] = 1;
        Assert.Equal(1, _ring.Rent()[0]);
        Assert.Equal(Datagram.MaxSize, _ring.Rent().Length);
        Assert.False(_ring.Publish());
        Assert.True(_ring.TryCommit(1, RingDatagramKind.Rtp, 1));
        Assert.False(_ring.TryCommit(1, RingDatagramKind.Rtp, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ring.TryCommit(1, RingDatagramKind.Rtp, Datagram.MaxSize + 1));
    }

    [Fact]
    public void Full_RefusesUntilTheReaderGivesRoomBack()
    {
        var written = 0;
        while (Write(written, RingDatagramKind.Rtp, new byte[1_000]))
        {
            written++;
        }

        Assert.InRange(written, (Smallest / 1_008) - 3, Smallest / 1_008);
        Assert.True(_ring.Rent().IsEmpty);
        _ring.Publish();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(i, Read().Pipe);
        }

        // It is being worked on until the reader says that it is not.
        Assert.True(_ring.Rent().IsEmpty);
        _ring.EndRead();
        Assert.True(Write(written, RingDatagramKind.Rtp, new byte[1_000]));
        _ring.Publish();
        for (var i = 3; i <= written; i++)
        {
            Assert.Equal(i, Read().Pipe);
        }
    }

    [Fact]
    public void Wrap_OfEverySize_KeepsDatagramsWhole()
    {
        var random = new Random(3);
        var expected = new Queue<(int, string)>();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(0, Datagram.MaxSize + 1)];
            random.NextBytes(bytes);
            if (Write(i, RingDatagramKind.Rtp, bytes))
            {
                expected.Enqueue((i, Convert.ToHexString(bytes)));
            }

            _ring.Publish();
            for (var reads = random.Next(0, 3); reads > 0 && _ring.TryRead(out var pipe, out _, out var datagram); reads--)
            {
                Assert.Equal(expected.Dequeue(), (pipe, Convert.ToHexString(datagram)));
            }

            _ring.EndRead();
        }
    }

    [Fact]
    public void WritingAndReading_AllocateNothing()
    {
        var before = 0L;
        for (var i = 0; i < 20_000; i++)
        {
            before = i == 10_000 ? Allocations.Begin() : before;
            Fill(_ring, i);
            _ring.Publish();
            Assert.True(_ring.TryRead(out _, out _, out _));
            _ring.EndRead();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Writer_WhoseReaderIsGone_FillsItAndGoesOn()
    {
        for (var i = 0; i < 1_000; i++)
        {
            Write(i, RingDatagramKind.Rtp, new byte[500]);
            _ring.Publish();
        }

        Assert.True(_ring.Rent().IsEmpty);
    }

    [Fact]
    public void TwoThreads_LoseNothingThatWasTaken_AndMixNothingUp()
    {
        const int Count = 300_000;
        var ring = new DatagramRing(Smallest * 4);
        var left = 0;
        var isDone = false;
        var faults = 0;
        var read = 0;
        var reader = new Thread(() =>
        {
            var last = -1;
            while (!Volatile.Read(ref isDone) || ring.HasInput)
            {
                while (ring.TryRead(out var number, out var kind, out var datagram))
                {
                    read++;
                    faults += number > last && kind == RingDatagramKind.Rtp && datagram.Length == LengthOf(number) && IsWhole(datagram, number) ? 0 : 1;
                    last = number;
                    datagram.Fill(0xEE);
                }

                ring.EndRead();
            }
        });
        reader.Start();
        for (var i = 0; i < Count; i++)
        {
            if (ring.Rent().IsEmpty)
            {
                // Half of them wait, so that the full ring and the passing over are both met.
                ring.Publish();
                if (i % 2 == 0 && !SpinWait.SpinUntil(() => !ring.Rent().IsEmpty, 10_000))
                {
                    break;
                }
            }

            left += Fill(ring, i) ? 0 : 1;
            if (i % 16 == 0)
            {
                ring.Publish();
            }
        }

        ring.Publish();
        Volatile.Write(ref isDone, true);
        Assert.True(reader.Join(TimeSpan.FromSeconds(60)));
        Assert.Equal(0, faults);
        Assert.Equal(Count, read + left);
    }

    private static int LengthOf(int number) => 4 + (number * 37 % 1_400);

    private static bool IsWhole(ReadOnlySpan<byte> datagram, int number) =>
        BinaryPrimitives.ReadInt32LittleEndian(datagram) == number && !datagram[4..].ContainsAnyExcept((byte)number);

    private static bool Fill(DatagramRing ring, int number)
    {
        var buffer = ring.Rent();
        if (buffer.IsEmpty)
        {
            return false;
        }

        var length = LengthOf(number);
        BinaryPrimitives.WriteInt32LittleEndian(buffer, number);
        buffer[4..length].Fill((byte)number);
        return ring.TryCommit(number, RingDatagramKind.Rtp, length);
    }

    private bool Write(int pipe, RingDatagramKind kind, byte[] bytes)
    {
        var buffer = _ring.Rent();
        bytes.AsSpan(0, buffer.IsEmpty ? 0 : bytes.Length).CopyTo(buffer);
        return _ring.TryCommit(pipe, kind, bytes.Length);
    }

    private (int Pipe, RingDatagramKind Kind, string Bytes) Read()
    {
        Assert.True(_ring.TryRead(out var pipe, out var kind, out var datagram));
        return (pipe, kind, Convert.ToHexString(datagram));
    }
}
