using VoiceCluster.Media.Audio;
using VoiceCluster.Media.Routing;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;

namespace VoiceCluster.Media.Tests.Simulation;

/// <summary>One packet that a transport sent, taken apart.</summary>
internal sealed record SentRtp(byte PayloadType, ushort Sequence, uint Timestamp, uint Ssrc, bool Marker, byte[] Payload, byte[] Bytes)
{
    public byte[]? Extension(byte id)
    {
        Assert.True(RtpPacket.TryParse(Bytes, out var packet));
        return packet.TryGetExtension(id, out var value) ? value.ToArray() : null;
    }

    public static SentRtp From(ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        Assert.True(RtpPacket.TryParse(copy, out var p));
        return new SentRtp(p.PayloadType.Value, p.SequenceNumber.Value, p.Timestamp, p.Ssrc.Value, p.Marker, p.Payload.ToArray(), copy);
    }
}

/// <summary>A router with a sending and a receiving transport whose output is kept.</summary>
internal sealed class TestRoom : IRouterListener
{
    public TestRoom(RouterOptions? options = null)
    {
        Router = new Router("room", options ?? new RouterOptions { Seed = 1, UnixTimeOffset = 1_700_000_000_000_000 }, this) { Bursts = Bursts };
        Sender = new LoopbackTransport(Router, "sender") { RtcpSent = (p, _) => ToSender.Add(p.ToArray()) };
        Receiver = new LoopbackTransport(Router, "receiver")
        {
            RtpSent = (p, _) => ToReceiver.Add(SentRtp.From(p)),
            RtcpSent = (p, _) => RtcpToReceiver.Add(p.ToArray()),
        };
    }

    public Router Router { get; }

    /// <summary>Closed unless a test begins a batch: then every packet is forwarded at once.</summary>
    public VideoBursts Bursts { get; } = new();

    public LoopbackTransport Sender { get; }

    public LoopbackTransport Receiver { get; }

    public List<byte[]> ToSender { get; } = [];

    public List<SentRtp> ToReceiver { get; } = [];

    public List<byte[]> RtcpToReceiver { get; } = [];

    public List<(long Now, string[] Producers)> Speakers { get; } = [];

    public List<string> Closed { get; } = [];

    public long Now { get; set; }

    /// <summary>How many PLIs the sender has got.</summary>
    public int PictureLosses => ToSender.Sum(p => Count(p, RtcpType.PayloadFeedback, PayloadFeedbackFormat.PictureLoss));

    public static int Count(byte[] compound, RtcpType type, byte format)
    {
        var count = 0;
        var reader = new RtcpReader(compound);
        while (reader.MoveNext())
        {
            count += reader.Current.Type == type && reader.Current.Count == format ? 1 : 0;
        }

        return count;
    }

    public void Receive(byte[] packet) => Sender.ReceiveRtp(packet, Now);

    /// <summary>Runs all timers up to a time, each when it is due.</summary>
    public void RunTo(long end)
    {
        while (true)
        {
            var next = Math.Min(Math.Min(Sender.Deadline, Receiver.Deadline), Now + 10_000);
            if (next > end)
            {
                break;
            }

            Now = Math.Max(Now, next);
            foreach (var transport in (Transport[])[Sender, Receiver])
            {
                if (transport.Deadline <= Now)
                {
                    transport.Advance(Now);
                }
            }

            Router.Advance(Now);
        }

        Now = end;
        Router.Advance(Now);
    }

    public void OnActiveSpeakers(Router router, ReadOnlySpan<ActiveSpeaker> speakers)
    {
        var ids = new string[speakers.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = speakers[i].Producer.Id;
        }

        Speakers.Add((Now, ids));
    }

    public void OnProducerClosed(Router router, Producer producer) => Closed.Add(producer.Id);

    public void OnConsumerClosed(Router router, Consumer consumer) => Closed.Add(consumer.Id);
}
