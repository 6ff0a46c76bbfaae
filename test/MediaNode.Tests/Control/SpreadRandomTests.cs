using VoiceCluster.Abstractions.Media;
using VoiceCluster.Abstractions.Rooms;
using VoiceCluster.Media.Routing;
using VoiceCluster.MediaNode.Tests.Io;

namespace VoiceCluster.MediaNode.Tests.Control;

/// <summary>Whatever comes and goes in a room on three workers, its grain finds what it asked for, and at the end nothing is left.</summary>
public sealed class SpreadRandomTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task JoinsAndLeaves_InAnyOrder_LeaveNothingBehind(int seed)
    {
        await using var node = await SpreadNode.StartAsync(workers: 3);
        var random = new Random(seed);
        var (transports, producers, consumers) = (new List<string>(), new List<(string Id, string Transport)>(), new List<(string Id, string Transport, string Producer)>());
        var (next, most) = (0, 0);
        for (var step = 0; step < 400; step++)
        {
            switch (random.Next(transports.Count < 12 ? 10 : 12))
            {
                case 0 or 1:
                    var transport = $"t{next++}";
                    await node.RunAsync<TransportOpened>(new CreateWebRtcTransport(transport, $"u{transport}"));
                    transports.Add(transport);
                    break;
                case 2 or 3 when transports.Count > 0:
                    var producer = ($"p{next++}", Any(transports));
                    await node.RunAsync<MediaDone>(new CreateProducer(
                        producer.Item1, producer.Item2, MediaKind.Audio, SpreadNode.Audio.Replace("\"ssrc\":7", $"\"ssrc\":{1_000 + next}").Replace("\"mid\":\"0\"", $"\"mid\":\"{next}\""), false));
                    producers.Add(producer);
                    break;
                case 4 or 5 or 6 when producers.Count > 0 && transports.Count > 0:
                    var consumer = ($"c{next++}", Any(transports), Any(producers).Id);
                    await node.RunAsync<ConsumerOpened>(new CreateConsumer(consumer.Item1, consumer.Item2, consumer.Id, Router.RtpCapabilities.ToJson(), false));
                    consumers.Add(consumer);
                    break;
                case 7 when transports.Count > 0:
                    var slot = ($"s{next++}", Any(transports), "");
                    await node.RunAsync<SlotConsumersOpened>(new CreateSlotConsumers([slot.Item1], slot.Item2, [SpreadNode.Negotiated], false));
                    consumers.Add(slot);
                    break;
                case 8 when consumers.Count > 0:
                    var gone = Any(consumers);
                    await node.RunAsync<MediaDone>(new CloseConsumer(gone.Id));
                    consumers.Remove(gone);
                    break;
                case 9 when producers.Count > 0:
                    var ended = Any(producers);
                    await node.RunAsync<MediaDone>(random.Next(2) == 0 ? new CloseProducer(ended.Id) : new SetProducerPaused(ended.Id, random.Next(2) == 0));
                    if (!Exists(ended.Id))
                    {
                        producers.Remove(ended);
                        consumers.RemoveAll(c => c.Producer == ended.Id);
                    }

                    break;
                case > 9:
                    var left = Any(transports);
                    await node.RunAsync<MediaDone>(new CloseTransport(left));
                    transports.Remove(left);
                    var mine = producers.Where(p => p.Transport == left).Select(p => p.Id).ToHashSet();
                    producers.RemoveAll(p => p.Transport == left);
                    consumers.RemoveAll(c => c.Transport == left || mine.Contains(c.Producer));
                    break;
                default:
                    break;
            }

            most = Math.Max(most, node.Sum(s => s.Branches));
            if (step % 100 == 99)
            {
                var adopted = (await node.Control.AdoptAsync(node.Header(1), [.. transports.Select(t => $"u{t}")])).Value!;
                Assert.Equal(transports.Order(), adopted.Transports.Select(t => t.TransportId).Order());
                Assert.Equal(producers.Select(p => p.Id).Order(), adopted.Producers.Select(p => p.ProducerId).Order());
                Assert.Equal(consumers.Select(c => c.Id).Order(), adopted.Consumers.Select(c => c.ConsumerId).Order());
            }
        }

        Assert.Equal(2, most);
        foreach (var transport in transports)
        {
            await node.RunAsync<MediaDone>(new CloseTransport(transport));
        }

        SocketClient.RunUntil(() => node.IsEmpty);
        Assert.Equal([0], node.InEachPart(r => r.Transports.Count + r.Producers.Count + r.Consumers.Count));

        T Any<T>(List<T> of) => of[random.Next(of.Count)];

        bool Exists(string producer) => node.InEachPart(r => r.Producers.ContainsKey(producer) ? 1 : 0).Sum() > 0;
    }
}
