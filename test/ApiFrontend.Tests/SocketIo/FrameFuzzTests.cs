using System.Text;
using VoiceCluster.ApiFrontend.SocketIo;
using VoiceCluster.ApiFrontend.SocketIo.Engine;

namespace VoiceCluster.ApiFrontend.Tests.SocketIo;

/// <summary>Random changes to real frames: never an exception, never an answer out of bounds. FUZZ_ITERATIONS sets how many.</summary>
public sealed class FrameFuzzTests
{
    private static readonly byte[][] Corpus =
    [
        .. new[]
        {
            "40/voice,", "40/voice,{\"token\":\"x\",\"pid\":\"abc\",\"offset\":\"12\"}", "41/voice,", "42/voice,0[\"join-room\",{\"roomId\":\"r\",\"userId\":1}]",
            "452-/voice,456[\"x\",{\"_placeholder\":true,\"num\":0},{\"b\":{\"_placeholder\":true,\"num\":1}}]", "461-/voice,3[{\"_placeholder\":true,\"num\":0}]",
            "43/voice,12[\"\\ud83d\\ude00\",1e5,null,[[{}]]]", "2probe", "5", "3", "4hello\u001e2\u001ebAQIDBA==\u001e42[\"a\"]",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    [Fact]
    public void Parsers_MutatedFrames_NeverThrow()
    {
        int iterations = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_ITERATIONS"), out int wanted) ? wanted : 20_000;
        var random = new Random(20261121);
        int accepted = 0;
        for (int i = 0; i < iterations; i++)
        {
            byte[] input = Mutate(Corpus[random.Next(Corpus.Length)], random);
            List<EnginePacket> packets = [];
            bool whole = EnginePayload.TryParse(input, 64, packets);
            Assert.True(packets.Count <= 64);
            if (EnginePacket.TryParseText(input, out EnginePacket single))
            {
                packets.Add(single);
            }

            var decoder = new SocketPacketDecoder(16, 32, 1_000_000);
            foreach (EnginePacket packet in packets)
            {
                if (decoder.Decode(packet, out SocketPacket decoded, out ReadOnlyMemory<byte>[] attachments) == DecodeResult.Packet)
                {
                    accepted++;
                    Assert.Equal(decoded.Attachments, attachments.Length);
                    ReadAll(decoded, attachments);
                }
            }

            _ = whole;
        }

        // A fuzz that gets nothing past the first check would test only that check.
        Assert.True(accepted > iterations / 50, $"Only {accepted} of {iterations} were accepted.");
    }

    private static void ReadAll(SocketPacket packet, ReadOnlyMemory<byte>[] attachments)
    {
        if (packet.Type is SocketPacketType.Event or SocketPacketType.BinaryEvent)
        {
            SocketIoPayload payload = SocketIoPayload.AfterName(packet.Payload, attachments);
            Assert.NotNull(packet.Payload[0].GetString());
            Assert.NotEmpty(SocketPacketWriter.Event(packet.Namespace, "x", payload, packet.Id, "1"));
        }
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        int changes = random.Next(4);
        for (int i = 0; i < changes && bytes.Count > 0; i++)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, "0123456789-,/[]{}\"\\u\u001eb"u8[random.Next(22)]);
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    byte[] other = Corpus[random.Next(Corpus.Length)];
                    bytes.InsertRange(at, other.AsSpan(random.Next(other.Length)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }
}
