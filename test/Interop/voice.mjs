// One client of the voice service on libwebrtc for Node: sends a tone and reports what it hears.
//   node voice.mjs SERVER CHANNEL TONE CANDIDATES SLOTS
// It writes one JSON line whenever the set of heard tones changes, and ends when its standard input does.
import wrtc from '@roamhq/wrtc';
import { reportVoices, say, ToneSink, ToneSource } from './tones.mjs';

const [server, channel, tone, candidates, slots] = process.argv.slice(2);
/** In a mix of a few equal voices each holds less of the sound. */
const MixShare = 0.15;
let token = null;

async function call(method, path, body) {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }
  return text ? JSON.parse(text) : null;
}

({ token } = await call('POST', '/api/v1/auth/token', { username: `wrtc-${tone}-${process.pid}` }));
const joined = await call('POST', '/voice/join', { channel_id: channel, mute: false, deaf: false });
const signal = (message) => call('POST', '/voice/signal', { session_id: joined.session_id, ...message });

const pc = new wrtc.RTCPeerConnection();
const source = new ToneSource(Number(tone));
const sinks = new Map();
pc.ontrack = ({ track, transceiver }) => sinks.set(transceiver.mid, new ToneSink(track, MixShare));
pc.addTransceiver(source.track, { direction: 'sendrecv' });
for (let i = 0; i < Number(slots); i++) {
  pc.addTransceiver('audio', { direction: 'recvonly' });
}

const connected = new Promise((resolve, reject) => {
  pc.onconnectionstatechange = () => {
    if (pc.connectionState === 'connected') {
      resolve();
    } else if (pc.connectionState === 'failed') {
      reject(new Error('The connection failed.'));
    }
  };
});
await pc.setLocalDescription(await pc.createOffer());
const answer = await signal({ type: 'offer', sdp: pc.localDescription.sdp });
await pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
await connected;
say({ joined: joined.session_id });

reportVoices(sinks, candidates.split(',').map(Number));

process.stdin.resume();
process.stdin.on('end', async () => {
  await call('POST', '/voice/leave', { session_id: joined.session_id }).catch((error) => console.error(String(error)));
  source.stop();
  process.exit(0);
});
