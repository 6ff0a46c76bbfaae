using VoiceCluster.Media.Interop;
using VoiceCluster.Media.Routing.Parameters;
using VoiceCluster.Media.Rtcp;
using VoiceCluster.Media.Rtp;
using VoiceCluster.Media.Rtp.Codecs;

namespace VoiceCluster.Media.Routing;

/// <summary>One outgoing stream of a transport: a producer's, a slot's for the loudest, or the mix.</summary>
public abstract class Consumer
{
    /// <summary>
    /// Frames of silence after sound that stops on purpose. Without them the receiver takes the pause for loss and goes on
    /// with the last sound for some 300 ms. More than one, because they can be lost.
    /// </summary>
    private protected const int SilentFrames = 5;

    private protected Consumer(Transport transport, string id, MediaKind kind, RtpParameters parameters, ConsumerMapping mapping, int clockRate, bool paused)
    {
        Transport = transport;
        Id = id;
        Kind = kind;
        RtpParameters = parameters;
        IsPaused = paused;
        Writer = new ConsumerPacketWriter(parameters, mapping, transport.Router.Options.UnixTimeOffset);
        Sender = new RtpStreamSender(Writer.Ssrc, clockRate, parameters.Rtcp.Cname!);
    }

    /// <summary>Unique in the router.</summary>
    public string Id { get; }

    /// <summary>Sound or picture.</summary>
    public MediaKind Kind { get; }

    /// <summary>Where it goes.</summary>
    public Transport Transport { get; }

    /// <summary>What the client needs to receive it.</summary>
    public RtpParameters RtpParameters { get; }

    /// <summary>True while nothing is sent, by wish of the client or because its participant is deafened.</summary>
    public bool IsPaused { get; private protected set; }

    /// <summary>True while the source is held back.</summary>
    public virtual bool IsProducerPaused => false;

    /// <summary>True after <see cref="Close"/>.</summary>
    public bool IsClosed { get; private set; }

    internal RtpStreamSender Sender { get; }

    private protected ConsumerPacketWriter Writer { get; }

    /// <summary>Sends nothing until <see cref="Resume"/>.</summary>
    public virtual void Pause(long now) => IsPaused = true;

    /// <summary>Flows again, without a gap in its numbers.</summary>
    public virtual void Resume(long now) => IsPaused = false;

    /// <summary>The highest layers wanted; only video of one producer has layers.</summary>
    public virtual void SetPreferredLayers(int spatialLayer, int? temporalLayer, long now)
    {
    }

    /// <summary>Asks for a key frame, where there is one to ask for.</summary>
    public virtual void RequestKeyFrame(long now)
    {
    }

    /// <summary>Ends it.</summary>
    public void Close(long now)
    {
        if (!IsClosed)
        {
            IsClosed = true;
            Detach(now);
            Transport.OnConsumerClosed(this);
            Transport.Router.OnConsumerClosed(this);
        }
    }

    /// <summary>Asks for what this object points to, before its next packet (<see cref="Prefetch"/>).</summary>
    internal void PrefetchParts()
    {
        Prefetch.Object(Munger);
        Prefetch.Object(Writer, 128);
        Prefetch.Object(Sender, 64);
        Prefetch.Object(Transport, 512);
    }

    /// <summary>The next step: what those point to.</summary>
    internal void PrefetchState(long sequence)
    {
        Munger?.Prefetch(sequence);
        Writer.Prefetch();
        Transport.PrefetchState();
    }

    /// <summary>Its numbers; null where it has them otherwise.</summary>
    private protected virtual SequenceMunger? Munger => null;

    internal virtual void OnConnected(long now)
    {
    }

    internal virtual void ChooseTarget(long now)
    {
    }

    internal virtual void OnNack(NackReader sequences, long now)
    {
        while (sequences.MoveNext())
        {
            Transport.Stats.NacksReceived++;
        }
    }

    internal virtual void OnKeyFrameRequested(long now) => Transport.Stats.KeyFrameRequestsReceived++;

    /// <summary>By the receiver's clock only: it mixes or changes its sources, which have none in common.</summary>
    internal virtual SenderReport Report(long now)
        => Sender.Report(null, Transport.SenderClock, 0, Transport.Router.Options.UnixTimeOffset, now);

    /// <summary>Sends one frame of silence right behind what was sent last.</summary>
    private protected void SendSilence(long output, long now)
    {
        var buffer = Transport.RentPacket();
        if (buffer.IsEmpty || !Writer.HasSilence)
        {
            return;
        }

        var sent = new SentPacket
        {
            Output = output,
            SentAt = now,
            Timestamp = unchecked(Sender.LastTimestamp + Opus.FrameDuration),
            TransportSequence = Writer.UsesTransportSequence ? Transport.NextTransportSequence() : (ushort)0,
        };
        if (Writer.TryWriteSilence(buffer, sent, out var length))
        {
            Sender.OnSent(Opus.Silence.Length, sent.Timestamp, now);
            Transport.SendRtp(length, now);
        }
    }

    /// <summary>Leaves its source.</summary>
    private protected abstract void Detach(long now);
}
