// A client of the voice service with nothing but RTCPeerConnection and fetch, as its documentation shows one.
import { Ear } from './ear';
import { HeardTones } from './heardtones';
import { prefer } from './red';
import { audio, toneTrack, ToneToleranceHz, type Tone } from './tone';

export interface VoiceOptions {
  server: string;
  channel: string;
  user: string;
  /** Sends a tone of this frequency. */
  toneHz?: number;
  /** Asks for Opus with redundancy. */
  red?: boolean;
  /** The tone's amplitude, 1 for full scale. */
  amplitude?: number;
  /** Hears the mix on the section that it speaks on, or this many of the loudest on sections of their own. */
  slots?: number;
  /** Hears nothing. */
  deafByOffer?: boolean;
  /** Listens to the events as well. */
  events?: boolean;
}

interface Joined {
  session_id: string;
  server_endpoint: string;
  ice_servers: RTCIceServer[];
  ice_candidates: RTCIceCandidateInit[];
}

interface Answered {
  type: 'answer';
  sdp: string;
  tracks: { mid: string; source: string; stream_id: string }[];
}

const ListenEveryMs = 200;
/** A tone is heard above this level, see Ear.levelOf. */
const HeardDb = -45;

function matches(a: number, b: number): boolean {
  return Math.abs(a - b) <= ToneToleranceHz;
}

async function call<T>(server: string, method: string, path: string, token: string | null, body: object): Promise<T> {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }
  return (text ? JSON.parse(text) : null) as T;
}

async function tokenOf(server: string, user: string): Promise<string> {
  return (await call<{ token: string }>(server, 'POST', '/api/v1/auth/token', null, { username: user })).token;
}

class VoiceClient {
  readonly events: { type: string; data?: Record<string, unknown> }[] = [];
  readonly everHeard = new HeardTones();
  sessionId = '';
  answer: Answered | null = null;
  private readonly pc = new RTCPeerConnection();
  private readonly ears = new Map<string, Ear>();
  private token = '';
  private tone: Tone | null = null;
  private socket: WebSocket | null = null;
  private listening = 0;

  constructor(private readonly options: VoiceOptions) {
    this.pc.ontrack = ({ track, transceiver }) => {
      const mid = transceiver.mid ?? '';
      this.ears.get(mid)?.close();
      this.ears.set(mid, new Ear(audio(), track));
    };
  }

  async join(): Promise<string> {
    const { server, channel, user, toneHz, amplitude, slots, deafByOffer, events } = this.options;
    this.token = await tokenOf(server, user);
    if (events) {
      this.socket = new WebSocket(`${server.replace('http', 'ws')}/voice/events?token=${this.token}`);
      this.socket.onmessage = ({ data }) => this.events.push(JSON.parse(String(data)) as { type: string });
      await new Promise((resolve) => {
        this.socket?.addEventListener('open', resolve, { once: true });
      });
    }
    const joined = await call<Joined>(server, 'POST', '/voice/join', this.token, { channel_id: channel, mute: false, deaf: false });
    this.sessionId = joined.session_id;
    if (toneHz !== undefined) {
      this.tone = toneTrack(toneHz, amplitude);
    }
    if (this.tone || !slots) {
      this.add(this.tone?.track ?? 'audio', deafByOffer ? 'sendonly' : this.tone ? 'sendrecv' : 'recvonly');
    }
    this.addSlots(slots ?? 0);
    this.pc.onicecandidate = ({ candidate }) => {
      void this.signal({ type: 'ice', candidate: candidate?.toJSON() ?? null });
    };
    await this.negotiate();
    for (const candidate of joined.ice_candidates) {
      await this.pc.addIceCandidate(candidate);
    }
    this.listening = window.setInterval(() => this.listen(), ListenEveryMs);
    return this.sessionId;
  }

  addSlots(count: number): void {
    for (let i = 0; i < count; i++) {
      this.add('audio', 'recvonly');
    }
  }

  private add(what: MediaStreamTrack | 'audio', direction: RTCRtpTransceiverDirection): void {
    const transceiver = this.pc.addTransceiver(what, { direction });
    if (this.options.red) {
      prefer(transceiver);
    }
  }

  async negotiate(): Promise<void> {
    await this.pc.setLocalDescription();
    this.answer = await this.signal<Answered>({ type: 'offer', sdp: this.pc.localDescription?.sdp });
    await this.pc.setRemoteDescription({ type: 'answer', sdp: this.answer.sdp });
  }

  restartIce(): Promise<void> {
    this.pc.restartIce();
    return this.negotiate();
  }

  setState(mute: boolean, deaf: boolean): Promise<object> {
    return call(this.options.server, 'PATCH', '/voice/state', this.token, { session_id: this.sessionId, mute, deaf });
  }

  setAmplitude(amplitude: number): void {
    this.tone?.gain.gain.setValueAtTime(amplitude, audio().currentTime);
  }

  /** The tones of each received track, by mid. */
  hears(): { mid: string; tones: number[] }[] {
    return [...this.ears].map(([mid, ear]) => ({ mid, tones: ear.tones() }));
  }

  /** The level of a tone on its loudest track. */
  levelOf(hz: number): number {
    return Math.max(-127, ...[...this.ears.values()].map((ear) => ear.levelOf(hz)));
  }

  get isConnected(): boolean {
    return this.pc.connectionState === 'connected';
  }

  get remoteFragment(): string {
    return /a=ice-ufrag:(\S+)/.exec(this.pc.remoteDescription?.sdp ?? '')?.[1] ?? '';
  }

  async leave(): Promise<void> {
    await call(this.options.server, 'POST', '/voice/leave', this.token, { session_id: this.sessionId });
    this.close();
  }

  close(): void {
    clearInterval(this.listening);
    this.pc.onicecandidate = null;
    this.pc.close();
    this.socket?.close();
    this.tone?.oscillator.stop();
    this.ears.forEach((ear) => ear.close());
    this.ears.clear();
  }

  /** What comes: packets of each stream that flows, and bytes of their payloads. */
  async streams(): Promise<{ packets: number; bytes: number }[]> {
    const report = [...(await this.pc.getStats()).values()] as Record<string, unknown>[];
    return report.filter((entry) => entry['type'] === 'inbound-rtp' && Number(entry['packetsReceived']) > 0)
      .map((entry) => ({ packets: Number(entry['packetsReceived']), bytes: Number(entry['bytesReceived']) }));
  }

  report(): object {
    return {
      session: this.sessionId,
      connection: this.pc.connectionState,
      ice: this.pc.iceConnectionState,
      tracks: this.answer?.tracks,
      hears: this.hears(),
      everHeard: this.everHeard.all(),
      events: this.events,
      offer: this.pc.localDescription?.sdp,
      answer: this.answer?.sdp,
    };
  }

  private signal<T>(message: object): Promise<T> {
    return call<T>(this.options.server, 'POST', '/voice/signal', this.token, { session_id: this.sessionId, ...message });
  }

  private listen(): void {
    const [ear] = this.ears.values();
    if (ear) {
      this.everHeard.note('', this.hears().flatMap((voice) => voice.tones), audio().currentTime, ear.windowSeconds);
    }
  }
}

const clients = new Map<string, VoiceClient>();

function client(key: string): VoiceClient {
  const found = clients.get(key);
  if (!found) {
    throw new Error(`no voice client ${key}`);
  }
  return found;
}

export const voiceHarness = {
  /** Makes a channel and gives its id. */
  async createChannel(server: string, user: string): Promise<string> {
    return (await call<{ id: string }>(server, 'POST', '/api/channels', await tokenOf(server, user), { name: 'test' })).id;
  },

  async voiceJoin(key: string, options: VoiceOptions): Promise<string> {
    const created = new VoiceClient(options);
    clients.set(key, created);
    return created.join();
  },

  /** True when these tones and no others are heard, on whichever tracks. */
  voiceHears(key: string, tones: number[]): boolean {
    const heard = client(key).hears().flatMap((voice) => voice.tones);
    return tones.every((tone) => heard.some((other) => matches(other, tone))) && heard.every((other) => tones.some((tone) => matches(other, tone)));
  },

  /** True when each of these tones has a track of its own, and the other tracks are silent. */
  voiceHearsApart(key: string, tones: number[]): boolean {
    const voices = client(key).hears().filter((voice) => voice.tones.length > 0);
    return voices.length === tones.length
      && voices.every((voice) => voice.tones.length === 1)
      && tones.every((tone) => voices.some((voice) => matches(voice.tones[0] ?? 0, tone)));
  },

  voiceHasHeard: (key: string, tones: number[]): boolean =>
    tones.every((tone) => client(key).everHeard.has(tone)),

  voiceEverHeard: (key: string, tones: number[]): number[] =>
    tones.filter((tone) => client(key).everHeard.has(tone)),

  /** Changes amplitudes at once, and gives the milliseconds until the listener hears the one tone and no longer the other. */
  async voiceSwap(listener: string, louder: string, rises: number, quieter: string, falls: number, amplitudes: [number, number], deadlineMs: number): Promise<number | null> {
    client(louder).setAmplitude(amplitudes[0]);
    client(quieter).setAmplitude(amplitudes[1]);
    const start = performance.now();
    while (performance.now() - start < deadlineMs) {
      if (client(listener).levelOf(rises) > HeardDb && client(listener).levelOf(falls) < HeardDb) {
        return Math.round(performance.now() - start);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return null;
  },

  voiceSetState: (key: string, mute: boolean, deaf: boolean) => client(key).setState(mute, deaf),
  voiceIsConnected: (key: string): boolean => client(key).isConnected,
  voiceTracks: (key: string) => client(key).answer?.tracks ?? [],
  voiceEvents: (key: string, type: string) => client(key).events.filter((event) => event.type === type).map((event) => event.data ?? {}),
  voiceHasEvents: (key: string, type: string, count: number): boolean => client(key).events.filter((event) => event.type === type).length >= count,
  voiceReport: (key: string) => client(key).report(),
  voiceStreams: (key: string) => client(key).streams(),
  voiceFlowsTo: async (key: string, packets: number) => (await client(key).streams()).some((stream) => stream.packets >= packets),
  voiceAnswer: (key: string) => client(key).answer?.sdp ?? '',
  voiceRemoteFragment: (key: string) => client(key).remoteFragment,
  voiceRestartIce: (key: string) => client(key).restartIce(),

  async voiceAddSlots(key: string, count: number): Promise<void> {
    client(key).addSlots(count);
    await client(key).negotiate();
  },

  async voiceLeave(key: string): Promise<void> {
    await client(key).leave();
    clients.delete(key);
  },

  /** Ends without telling the server, as a closed page does. */
  voiceClose(key: string): void {
    client(key).close();
    clients.delete(key);
  },
};
