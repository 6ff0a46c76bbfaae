// One peer of the WebRTC microservice on libwebrtc for Node: sends a tone and reports what it hears.
//   node peer.mjs SERVER ROOM TONE CANDIDATES tracks|mix
// With "tracks" it opens the WebSocket, over which the server offers each voice by itself; else it hears the mix.
// It writes one JSON line whenever the set of heard tones changes, and ends when its standard input does.
import wrtc from '@roamhq/wrtc';
import { WebSocket } from 'ws';
import { reportVoices, say, ToneSink, ToneSource } from './tones.mjs';

const [server, room, tone, candidates, hearing] = process.argv.slice(2);
/** In a mix of a few equal voices each holds less of the sound. */
const MixShare = hearing === 'mix' ? 0.15 : undefined;
const query = new URLSearchParams({ peerID: `wrtc-${tone}-${process.pid}`, room });
const pc = new wrtc.RTCPeerConnection();
const source = new ToneSource(Number(tone));
const sinks = new Map();
let turn = Promise.resolve();
let socket = null;

/** One negotiation after the other: an offer of the server may overtake the answer to ours. */
function inTurn(negotiate) {
  turn = turn.then(negotiate);
  turn.catch((error) => {
    console.error(error);
    process.exit(1);
  });
  return turn;
}

pc.ontrack = ({ track, transceiver }) => {
  sinks.get(transceiver.mid)?.stop();
  sinks.set(transceiver.mid, new ToneSink(track, MixShare));
};
if (hearing === 'tracks') {
  socket = new WebSocket(`${server.replace('http', 'ws')}/ws?${query}`);
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'offer') {
      void inTurn(async () => {
        await pc.setRemoteDescription({ type: 'offer', sdp: message.sdp });
        await pc.setLocalDescription(await pc.createAnswer());
        socket.send(JSON.stringify({ type: 'answer', sdp: pc.localDescription.sdp }));
      });
    }
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
}

pc.addTransceiver(source.track, { direction: 'sendrecv' });
const connected = new Promise((resolve, reject) => {
  pc.onconnectionstatechange = () => {
    if (pc.connectionState === 'connected') {
      resolve();
    } else if (pc.connectionState === 'failed') {
      reject(new Error('the connection failed'));
    }
  };
});
await inTurn(async () => {
  await pc.setLocalDescription(await pc.createOffer());
  const response = await fetch(`${server}/offer?${query}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'offer', sdp: pc.localDescription.sdp }),
  });
  const { status, message, data } = await response.json();
  if (status !== 200) {
    throw new Error(`/offer: ${status} ${message}`);
  }
  await pc.setRemoteDescription({ type: 'answer', sdp: data.sdp });
});
await connected;
say({ joined: query.get('peerID') });

reportVoices(sinks, candidates.split(',').map(Number));

process.stdin.resume();
process.stdin.on('end', () => {
  source.stop();
  socket?.close();
  pc.close();
  process.exit(0);
});
