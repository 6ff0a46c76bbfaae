// One participant on libwebrtc for Node: sends a tone and reports what it hears.
//   node participant.mjs SERVER ROOM TONE CANDIDATES TRANSPORTS
// It writes one JSON line whenever the set of heard tones changes, and ends when its standard input does.
import wrtc from '@roamhq/wrtc';
import { io } from 'socket.io-client';
import { reportVoices, say, ToneSink, ToneSource } from './tones.mjs';

for (const name of ['MediaStream', 'MediaStreamTrack', 'RTCPeerConnection', 'RTCSessionDescription']) {
  globalThis[name] = wrtc[name];
}
const { Device } = await import('mediasoup-client');

const [server, roomId, tone, candidates, transports] = process.argv.slice(2);
const socket = io(`${server}/voice`, { transports: transports.split(',') });
// mediasoup-client's handler for Chromium speaks plain WebRTC 1.0, which libwebrtc for Node has as well.
const device = new Device({ handlerName: 'Chrome111' });
const sinks = new Map();

async function ask(event, request) {
  const answer = await socket.timeout(15_000).emitWithAck(event, request);
  if (answer.error) {
    throw new Error(`${event}: ${answer.error.code} ${answer.error.message}`);
  }
  return answer;
}

async function createTransport(direction) {
  const description = await ask('create-transport', { roomId });
  const transport = direction === 'send' ? device.createSendTransport(description) : device.createRecvTransport(description);
  transport.on('connect', ({ dtlsParameters }, done, fail) => {
    ask('connect-transport', { roomId, transportId: transport.id, dtlsParameters }).then(() => done(), fail);
  });
  transport.on('produce', ({ kind, rtpParameters }, done, fail) => {
    ask('produce', { roomId, transportId: transport.id, kind, rtpParameters }).then(done, fail);
  });
  return transport;
}

await new Promise((resolve, reject) => {
  socket.once('connect', resolve);
  socket.once('connect_error', reject);
});
const announced = [];
let consume = (producer) => announced.push(producer);
socket.on('new-producer', (producer) => consume(producer));
socket.on('producer-closed', ({ producerId }) => {
  sinks.get(producerId)?.stop();
  sinks.delete(producerId);
});
socket.on('peer-left', ({ peerId }) => {
  for (const [producerId, sink] of sinks) {
    if (sink.peerId === peerId) {
      sink.stop();
      sinks.delete(producerId);
    }
  }
});

const joined = await ask('join-room', { roomId, userId: `wrtc-${tone}` });
await device.load({ routerRtpCapabilities: joined.rtpCapabilities });
const receiving = await createTransport('recv');
let queue = Promise.resolve();
consume = ({ peerId, producerId, kind }) => {
  if (kind !== 'audio') {
    return;
  }
  queue = queue.then(async () => {
    const answer = await ask('consume', { roomId, transportId: receiving.id, producerId, rtpCapabilities: device.recvRtpCapabilities });
    const consumer = await receiving.consume(answer);
    sinks.set(producerId, Object.assign(new ToneSink(consumer.track), { peerId }));
  });
  queue.catch((error) => {
    console.error(error);
    process.exit(1);
  });
};
[...joined.producers, ...announced].forEach((producer) => consume(producer));

const source = new ToneSource(Number(tone));
const sending = await createTransport('send');
await sending.produce({ track: source.track });
say({ joined: joined.peerId });

reportVoices(sinks, candidates.split(',').map(Number));

process.stdin.resume();
process.stdin.on('end', async () => {
  await ask('leave-room', { roomId }).catch((error) => console.error(String(error)));
  source.stop();
  socket.disconnect();
  process.exit(0);
});
