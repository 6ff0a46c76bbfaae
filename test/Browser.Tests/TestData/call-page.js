// What the document leaves to the page around its CallManager: the WebSocket, its messages, the ICE servers, and here
// a tone in place of the microphone and an ear in place of the listener. It runs after the document's own class.
window.setUp = async (bearer, toneHz) => {
  window.token = bearer;
  const video = document.createElement('video');
  video.id = 'remoteVideo';
  video.autoplay = true;
  video.muted = true;
  document.body.append(video);

  const audio = new AudioContext({ sampleRate: 48_000 });
  const oscillator = new OscillatorNode(audio, { frequency: toneHz });
  const microphone = audio.createMediaStreamDestination();
  oscillator.connect(new GainNode(audio, { gain: 0.25 })).connect(microphone);
  oscillator.start();
  const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    // The real one is asked as well: with its permission Chromium shows real host candidates.
    (await capture({ audio: true })).getTracks().forEach((track) => track.stop());
    window.asked = constraints;
    return microphone.stream.clone();
  };

  CallManager.prototype.fetchICEServers = async function () {
    const answer = await fetch('/api/v1/calls/ice-servers', { headers: { Authorization: `Bearer ${token}` } });
    return (await answer.json()).iceServers;
  };

  const ws = new WebSocket(`ws://${location.host}/api/v1/ws?token=${bearer}`);
  const manager = new CallManager(ws);
  const client = { manager, log: [], held: [], left: null };
  window.client = client;
  let order = Promise.resolve();
  ws.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    client.log.push(message);
    order = order.then(() => handle(message)).catch((error) => client.log.push({ type: 'fault', data: String(error) }));
  };
  ws.onclose = ({ code }) => client.left = code;

  async function handle({ type, data }) {
    switch (type) {
      case 'call:webrtc:offer':
        await manager.handleOffer(data.call_id, data.offer);
        await flush();
        break;
      case 'call:webrtc:answer':
        await manager.handleAnswer(data.answer);
        await flush();
        break;
      case 'call:webrtc:candidate':
        client.held.push(data.candidate);
        await flush();
        break;
      case 'call:ended':
        manager.cleanup();
        break;
    }
  }

  // A candidate may be added once the other side's description is known.
  async function flush() {
    while (manager.pc?.remoteDescription && client.held.length > 0) {
      await manager.handleCandidate(client.held.shift());
    }
  }

  client.watch = (callId) => {
    manager.pc.addEventListener('connectionstatechange', () => {
      if (manager.pc?.connectionState === 'connected') {
        ws.send(JSON.stringify({ type: 'call:connected', data: { call_id: callId } }));
      }
    });
  };

  client.accept = async (callId) => {
    await manager.setupWebRTC(callId, false);
    client.watch(callId);
    const answer = await fetch(`/api/v1/calls/${callId}`, {
      method: 'PATCH',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ accept: true }),
    });
    return answer.status;
  };

  // The loudest frequency of what comes from the other side, in Hz; 0 while nothing is heard.
  let spectrum = null;
  let heardStream = null;
  client.hears = () => {
    if (!manager.remoteStream) {
      return 0;
    }
    if (heardStream !== manager.remoteStream) {
      heardStream = manager.remoteStream;
      spectrum = new AnalyserNode(audio, { fftSize: 8192, smoothingTimeConstant: 0 });
      audio.createMediaStreamSource(heardStream).connect(spectrum);
    }
    const bins = new Float32Array(spectrum.frequencyBinCount);
    spectrum.getFloatFrequencyData(bins);
    const loudest = bins.reduce((best, db, bin) => db > bins[best] ? bin : best, 0);
    return bins[loudest] > -45 ? Math.round(loudest * audio.sampleRate / spectrum.fftSize) : 0;
  };

  // The candidate of the other side that the call goes by.
  client.path = async () => {
    const report = [...(await manager.pc.getStats()).values()];
    const pair = report.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
    return report.find((entry) => entry.type === 'remote-candidate' && entry.id === pair?.remoteCandidateId) ?? null;
  };

  await audio.resume();
  await new Promise((resolve, reject) => {
    ws.onopen = resolve;
    ws.onerror = () => reject(new Error('no WebSocket'));
  });
};
