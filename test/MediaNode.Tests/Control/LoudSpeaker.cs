using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>Sends a loud packet every 20 ms.</summary>
internal sealed class LoudSpeaker(SocketClient client, byte level = 20)
{
    private long _next = Environment.TickCount64;
    private ushort _sequence;

    public int Sent { get; set; }

    public bool Run()
    {
        if (Environment.TickCount64 >= _next)
        {
            _next += 20;
            Send();
        }

        return true;
    }

    public void Send()
    {
        _sequence++;
        byte[] packet =
        [
            0x90, 111, (byte)(_sequence >> 8), (byte)_sequence, 0, (byte)(_sequence * 960 >> 16), (byte)(_sequence * 960 >> 8), (byte)(_sequence * 960),
            0, 0, 0, 7, 0xBE, 0xDE, 0, 1, 0x10, (byte)(0x80 | level), 0, 0, 0xF8, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        if (client.Rtc.SendRtp(packet))
        {
            Sent++;
        }
    }
}
