// A peer with nothing but RTCPeerConnection, fetch and WebSocket, as docs/protocols/peers.md shows one.
import { Ear } from './ear';
import { HeardTones } from './heardtones';
import { audio, toneTrack, ToneToleranceHz, type Tone } from './tone';

export interface PeerOptions {
  server: string;
  room: string;
  peer: string;
  /** Sends a tone of this frequency. */
  toneHz?: number;
  /** Opens the WebSocket, over which the server offers new tracks. */
  socket?: boolean;
  /** Sends a picture as well, and offers to receive pictures. */
  video?: boolean;
}

interface Described {
  type: 'answer' | 'offer';
  sdp: string;
  tracks: { mid: string; kind: string; source: string; userId: string | null }[];
}

const ListenEveryMs = 200;

class PeerClient {
  readonly messages: { type: string }[] = [];
  readonly everHeard = new HeardTones();
  tracks: Described['tracks'] = [];
  private readonly pc = new RTCPeerConnection();
  private readonly ears = new Map<string, Ear>();
  private readonly videos = new Map<string, HTMLVideoElement>();
  private tone: Tone | null = null;
  private socket: WebSocket | null = null;
  private listening = 0;

  constructor(private readonly options: PeerOptions) {
    this.pc.ontrack = ({ track, transceiver }) => {
      const mid = transceiver.mid ?? '';
      if (track.kind === 'video') {
        const video = document.createElement('video');
        video.muted = true;
        video.srcObject = new MediaStream([track]);
        void video.play();
        this.videos.set(mid, video);
        return;
      }
      this.ears.get(mid)?.close();
      this.ears.set(mid, new Ear(audio(), track));
    };
  }

  private get query(): string {
    return `peerID=${encodeURIComponent(this.options.peer)}&room=${encodeURIComponent(this.options.room)}`;
  }

  private turn: Promise<void> = Promise.resolve();

  async join(): Promise<void> {
    const { server, toneHz, socket, video } = this.options;
    if (socket) {
      await this.connect(server);
    }
    if (toneHz !== undefined) {
      this.tone = toneTrack(toneHz);
    }
    this.pc.addTransceiver(this.tone?.track ?? 'audio', { direction: this.tone ? 'sendrecv' : 'recvonly' });
    if (video) {
      const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 } });
      this.pc.addTransceiver(camera.getVideoTracks()[0] ?? 'video', { direction: 'sendrecv' });
    }
    await this.inTurn(async () => {
      await this.pc.setLocalDescription();
      const answer = await this.post<Described>('/offer', this.pc.localDescription);
      this.tracks = answer.tracks;
      await this.pc.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    });
    this.listening = window.setInterval(() => this.listen(), ListenEveryMs);
  }

  /** The tones of each received track. */
  hears(): number[][] {
    return [...this.ears.values()].map((ear) => ear.tones());
  }

  /** Pictures that have frames. */
  sees(): number {
    return [...this.videos.values()].filter((video) => video.videoWidth > 0 && video.currentTime > 0).length;
  }

  get isConnected(): boolean {
    return this.pc.connectionState === 'connected';
  }

  closeSocket(): void {
    this.socket?.close();
    this.socket = null;
  }

  close(): void {
    clearInterval(this.listening);
    this.closeSocket();
    this.pc.close();
    this.tone?.oscillator.stop();
    this.ears.forEach((ear) => ear.close());
    this.ears.clear();
  }

  async report(): Promise<object> {
    const stats = [...(await this.pc.getStats()).values()] as { type: string }[];
    return {
      peer: this.options.peer,
      connection: this.pc.connectionState,
      signaling: this.pc.signalingState,
      tracks: this.tracks,
      hears: this.hears(),
      sees: this.sees(),
      everHeard: this.everHeard.all(),
      messages: this.messages.slice(-20),
      rtp: stats.filter(({ type }) => type === 'inbound-rtp' || type === 'outbound-rtp'),
      remote: this.pc.remoteDescription?.sdp,
    };
  }

  private async connect(server: string): Promise<void> {
    const socket = new WebSocket(`${server.replace('http', 'ws')}/ws?${this.query}`);
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as Described;
      this.messages.push(message);
      if (message.type === 'offer') {
        // It may overtake the answer to our own offer.
        void this.inTurn(() => this.answer(socket, message));
      }
    };
    await new Promise((resolve) => {
      socket.addEventListener('open', resolve, { once: true });
    });
  }

  /** One negotiation after the other. */
  private inTurn(negotiate: () => Promise<void>): Promise<void> {
    const turn = this.turn.then(negotiate);
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  private async answer(socket: WebSocket, offer: Described): Promise<void> {
    await this.pc.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    this.tracks = offer.tracks;
    await this.pc.setLocalDescription();
    socket.send(JSON.stringify(this.pc.localDescription));
  }

  private async post<T>(path: string, body: unknown): Promise<T> {
    const response = await fetch(`${this.options.server}${path}?${this.query}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const envelope = (await response.json()) as { status: number; message: string; data: T };
    if (!response.ok || envelope.status !== response.status) {
      throw new Error(`${path}: ${response.status} ${JSON.stringify(envelope)}`);
    }
    return envelope.data;
  }

  private listen(): void {
    const [ear] = this.ears.values();
    if (ear) {
      this.everHeard.note('', this.hears().flat(), audio().currentTime, ear.windowSeconds);
    }
  }
}

function matches(a: number, b: number): boolean {
  return Math.abs(a - b) <= ToneToleranceHz;
}

const peers = new Map<string, PeerClient>();

function peer(key: string): PeerClient {
  const found = peers.get(key);
  if (!found) {
    throw new Error(`no peer ${key}`);
  }
  return found;
}

export const peerHarness = {
  async peerJoin(key: string, options: PeerOptions): Promise<void> {
    const created = new PeerClient(options);
    peers.set(key, created);
    await created.join();
  },

  peerIsConnected: (key: string): boolean => peer(key).isConnected,

  /** True when these tones and no others are heard, on whichever tracks. */
  peerHears(key: string, tones: number[]): boolean {
    const heard = peer(key).hears().flat();
    return tones.every((tone) => heard.some((other) => matches(other, tone))) && heard.every((other) => tones.some((tone) => matches(other, tone)));
  },

  /** True when each of these tones has a track of its own, and the other tracks are silent. */
  peerHearsApart(key: string, tones: number[]): boolean {
    const voices = peer(key).hears().filter((heard) => heard.length > 0);
    return voices.length === tones.length
      && voices.every((heard) => heard.length === 1)
      && tones.every((tone) => voices.some((heard) => matches(heard[0] ?? 0, tone)));
  },

  peerSees: (key: string, pictures: number): boolean => peer(key).sees() === pictures,
  peerEverHeard: (key: string, tones: number[]): number[] =>
    tones.filter((tone) => peer(key).everHeard.has(tone)),
  peerSources: (key: string): string[] => peer(key).tracks.map((track) => track.source),
  peerCloseSocket: (key: string): void => peer(key).closeSocket(),
  peerReport: (key: string) => peer(key).report(),

  peerClose(key: string): void {
    peer(key).close();
    peers.delete(key);
  },
};
