// A plain client of the door, as its documentation shows one: stock socket.io-client and mediasoup-client, nothing of the page's.
import { Device, type types } from 'mediasoup-client';
import { io, type Socket } from 'socket.io-client';
import { Ear } from './ear';
import { Eye, type Sight } from './eye';
import { HeardTones } from './heardtones';
import { RedPeerConnection, isRed, withoutRed } from './red';
import { audio, toneTrack } from './tone';

export interface JoinOptions {
  server: string;
  room: string;
  user: string | number;
  displayName?: string;
  /** The token of the handshake; rooms of calls ask for one. */
  token?: string;
  /** Socket.IO transports in the order to try. */
  transports?: string[];
  /** Sends a tone of this frequency. */
  toneHz?: number;
  /** Sends the browser's fake camera. */
  video?: boolean;
  /** Sends a lively picture in two layers, of 320 and 640 pixels: 150 and 900 kbit/s. */
  simulcast?: boolean;
  /** Sends a lively picture of 960 pixels in VP9 with this scalability mode, such as L3T3_KEY: layers of 240, 480 and 960 pixels. */
  svc?: string;
  /** Shares a screen as well: a second video track, of this width. */
  screenWidth?: number;
  /**
   * For pages that hold very many participants: receives but does not listen until {@link Session.setListening},
   * and sends wideband in packets of 60 ms, which costs a third.
   */
  thrifty?: boolean;
  /** Opus with redundancy: sends it, or behaves as a client that does not know it. */
  red?: 'send' | 'refuse';
  /** Ports that stand in for those of the server's ICE candidates: hops that lose packets. */
  mediaPorts?: Record<number, number>;
}

export interface Heard {
  peerId: string;
  producerId: string;
  tones: number[];
  level: number;
}

interface Announced {
  peerId: string;
  producerId: string;
  kind: 'audio' | 'video';
}

interface Received {
  peerId: string;
  producerId: string;
  consumer: types.Consumer;
  ear: Ear | null;
  eye: Eye | null;
}

/** How often a session notes which tones it hears. */
const ListenEveryMs = 200;

/** A drawn screen as a track: headless browsers have none to capture. */
function screenTrack(width: number): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = Math.round(width * 9 / 16);
  const pen = canvas.getContext('2d');
  let frame = 0;
  setInterval(() => {
    if (pen) {
      pen.fillStyle = `hsl(${frame++ % 360} 80% 50%)`;
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }
  }, 50);
  const track = canvas.captureStream(20).getVideoTracks()[0];
  if (!track) {
    throw new Error('no screen track');
  }
  return track;
}

/** A picture that changes from frame to frame, so that its layers have bitrates worth the name. */
function livelyTrack(width = 640, height = 360): MediaStreamTrack {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  setInterval(() => {
    if (!pen) {
      return;
    }
    pen.fillStyle = 'navy';
    pen.fillRect(0, 0, width, height);
    for (let i = 0; i < 12; i++) {
      pen.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
      pen.fillRect(Math.random() * width, Math.random() * height, 60, 60);
    }
  }, 50);
  const track = canvas.captureStream(20).getVideoTracks()[0];
  if (!track) {
    throw new Error('no picture track');
  }
  return track;
}

/** One participant. A page may hold many. */
export class Session {
  peerId = '';
  readonly peers = new Map<string, { userId: unknown; displayName: string | undefined }>();
  readonly events: { name: string; value: unknown }[] = [];
  readonly errors: string[] = [];
  /** Tones heard at any time since the join. */
  readonly everHeard = new HeardTones();
  private readonly socket: Socket;
  private readonly device = new Device();
  private readonly received = new Map<string, Received>();
  private readonly producers = new Map<string, types.Producer>();
  private awake: boolean;
  private readonly transportsUsed: string[] = [];
  private readonly joinedAt = performance.now();
  private sendTransport: types.Transport | null = null;
  private recvTransport: types.Transport | null = null;
  private oscillator: OscillatorNode | null = null;
  private listening = 0;
  private closed = false;
  private resumeToken = '';
  private readyToReceive: () => void = () => undefined;
  /** Consumer tasks run one after another, as they arrive, from the moment that the receive transport stands. */
  private queue: Promise<void> = new Promise((resolve) => {
    this.readyToReceive = resolve;
  });

  constructor(private readonly options: JoinOptions) {
    this.awake = !options.thrifty;
    this.socket = io(`${options.server}/voice`, { forceNew: true, reconnection: true, ...(options.token ? { auth: { token: options.token } } : {}), ...(options.transports ? { transports: options.transports } : {}) });
    this.socket.onAny((name: string, value: unknown) => {
      if (name !== 'active-speakers') {
        this.events.push({ name, value });
      }
    });
    this.socket.on('peer-joined', (peer: { peerId: string; userId: unknown; displayName?: string }) =>
      this.peers.set(peer.peerId, { userId: peer.userId, displayName: peer.displayName }));
    this.socket.on('peer-left', ({ peerId }: { peerId: string }) => this.forget((entry) => entry.peerId === peerId, peerId));
    this.socket.on('new-producer', (producer: Announced) => this.consumeLater(producer));
    this.socket.on('media-moved', () => this.moveMedia());
    this.socket.on('producer-closed', ({ producerId }: Announced) => this.forget((entry) => entry.producerId === producerId));
  }

  async join(): Promise<void> {
    this.socket.io.once('open', () => {
      const { engine } = this.socket.io;
      this.transportsUsed.push(engine.transport.name);
      engine.on('upgrade', (transport) => this.transportsUsed.push(transport.name));
    });
    await new Promise<void>((resolve, reject) => {
      this.socket.once('connect', () => resolve());
      this.socket.once('connect_error', reject);
    });
    const { options } = this;
    const answer = await this.ask('join-room', {
      roomId: options.room, userId: options.user, ...(options.displayName ? { displayName: options.displayName } : {}),
    }) as { rtpCapabilities: types.RtpCapabilities; peerId: string; resumeToken: string; peers: { peerId: string; userId: unknown; displayName?: string }[]; producers: Announced[] };
    this.peerId = answer.peerId;
    this.resumeToken = answer.resumeToken;
    this.socket.on('connect', () => this.comeBack());
    for (const peer of answer.peers) {
      this.peers.set(peer.peerId, { userId: peer.userId, displayName: peer.displayName });
    }
    await this.device.load({ routerRtpCapabilities: options.red === 'refuse' ? withoutRed(answer.rtpCapabilities) : answer.rtpCapabilities });
    this.recvTransport = await this.createTransport('recv');
    this.readyToReceive();
    for (const producer of answer.producers) {
      this.consumeLater(producer);
    }
    this.listening = window.setInterval(() => this.listen(), ListenEveryMs);

    if (options.toneHz !== undefined) {
      const { track, oscillator } = toneTrack(options.toneHz);
      this.oscillator = oscillator;
      await this.produce(track, track.kind, undefined, options.red === 'send' ? this.codec(isRed) : undefined);
    }
    if (options.video) {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
      const track = stream.getVideoTracks()[0];
      if (!track) {
        throw new Error('no camera');
      }
      await this.produce(track);
    }
    if (options.simulcast) {
      await this.produce(livelyTrack(), 'video', [{ scaleResolutionDownBy: 2, maxBitrate: 150_000 }, { maxBitrate: 900_000 }]);
    }
    if (options.svc !== undefined) {
      const vp9 = this.codec((codec) => codec.mimeType.toLowerCase() === 'video/vp9');
      await this.produce(livelyTrack(960, 540), 'video', [{ scalabilityMode: options.svc, maxBitrate: 1_500_000 }], vp9);
    }
    if (options.screenWidth !== undefined) {
      await this.produce(screenTrack(options.screenWidth), 'screen');
    }
  }

  /** Begins or ends to listen to what is received. */
  setListening(awake: boolean): void {
    this.awake = awake;
    for (const entry of this.received.values()) {
      entry.ear?.close();
      entry.ear = awake && entry.consumer.kind === 'audio' ? new Ear(audio(), entry.consumer.track) : null;
    }
  }

  /** What is heard now, one entry a received voice. */
  hears(): Heard[] {
    return [...this.received.values()].flatMap(({ peerId, producerId, ear }) =>
      ear ? [{ peerId, producerId, tones: ear.tones(), level: ear.level() }] : []);
  }

  sees(): (Sight & { peerId: string })[] {
    return [...this.received.values()].flatMap(({ peerId, eye }) => eye ? [{ peerId, ...eye.sight() }] : []);
  }

  forgetGaps(): void {
    for (const { eye } of this.received.values()) {
      eye?.forget();
    }
  }

  /** The level of the one voice of a peer. */
  levelOf(peerId: string): number {
    return [...this.received.values()].find((entry) => entry.peerId === peerId && entry.ear)?.ear?.level() ?? -127;
  }

  /** The level of a tone in the voice that has most of it. */
  levelOfTone(hz: number): number {
    return Math.max(-127, ...[...this.received.values()].map(({ ear }) => ear?.levelOf(hz) ?? -127));
  }

  /** Mutes as a client does: stops sending, and tells the server. */
  async mute(): Promise<void> {
    this.producer('audio').pause();
    await this.setPausedAtServer('audio', true);
  }

  /** Resumes on both sides. */
  async unmute(): Promise<void> {
    this.producer('audio').resume();
    await this.setPausedAtServer('audio', false);
  }

  /** Pauses or resumes at the server alone: the client goes on sending, so only the server can silence it. */
  async setPausedAtServer(kind: string, paused: boolean): Promise<void> {
    const producer = this.producer(kind);
    await this.ask(paused ? 'pause-producer' : 'resume-producer', { roomId: this.options.room, producerId: producer.id });
  }

  /** The highest layers wanted of the one received video. */
  async setPreferredLayers(spatialLayer: number, temporalLayer?: number): Promise<void> {
    const video = [...this.received.values()].find((entry) => entry.eye);
    await this.ask('set-preferred-layers', { roomId: this.options.room, consumerId: video?.consumer.id, spatialLayer, temporalLayer });
  }

  /** Asks for one of the bitrates of a transport, such as max-outgoing of recv. */
  async setBitrate(transport: 'send' | 'recv', which: string, bitrate: number): Promise<void> {
    const { id } = (transport === 'send' ? this.sendTransport : this.recvTransport) ?? {};
    await this.ask(`set-${which}-bitrate`, { roomId: this.options.room, transportId: id, bitrate });
  }

  async closeProducer(kind: string): Promise<void> {
    const producer = this.producer(kind);
    producer.close();
    this.producers.delete(kind);
    await this.ask('close-producer', { roomId: this.options.room, producerId: producer.id });
  }

  async restartIce(): Promise<void> {
    for (const transport of [this.sendTransport, this.recvTransport]) {
      if (transport) {
        const { iceParameters } = await this.ask('restart-ice', { roomId: this.options.room, transportId: transport.id }) as { iceParameters: types.IceParameters };
        await transport.restartIce({ iceParameters });
      }
    }
  }

  /** Breaks the connection under Socket.IO, as a lost network does; the client reconnects by itself. */
  breakConnection(): void {
    this.socket.io.engine.close();
  }

  async leave(): Promise<void> {
    await this.ask('leave-room', { roomId: this.options.room });
    this.close();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.listening);
    this.socket.disconnect();
    this.sendTransport?.close();
    this.recvTransport?.close();
    this.oscillator?.stop();
    this.forget(() => true);
    for (const producer of this.producers.values()) {
      producer.track?.stop();
    }
  }

  report(): object {
    return {
      peerId: this.peerId,
      socketTransports: this.transportsUsed,
      connected: this.socket.connected,
      recovered: this.socket.recovered,
      send: this.sendTransport?.connectionState ?? null,
      recv: this.recvTransport?.connectionState ?? null,
      peers: [...this.peers].map(([peerId, peer]) => ({ peerId, ...peer })),
      hears: this.hears(),
      everHeard: this.everHeard.all(),
      errors: this.errors,
    };
  }

  /** The server's ICE user name on each transport whose candidate pair is nominated and answered. */
  async remoteIceUsers(): Promise<string[]> {
    const users: string[] = [];
    for (const transport of [this.sendTransport, this.recvTransport]) {
      const report = [...(await transport?.getStats() ?? new Map()).values()] as Record<string, unknown>[];
      const pair = report.find((entry) => entry['type'] === 'candidate-pair' && entry['nominated'] === true && entry['state'] === 'succeeded');
      const remote = report.find((entry) => entry['type'] === 'remote-candidate' && entry['id'] === pair?.['remoteCandidateId']);
      if (typeof remote?.['usernameFragment'] === 'string') {
        users.push(remote['usernameFragment']);
      }
    }
    return users;
  }

  get recovered(): boolean {
    return this.socket.connected && this.socket.recovered;
  }

  /** Inbound and outbound RTP statistics as the browser has them. */
  async stats(): Promise<object[]> {
    const reports = await Promise.all([this.sendTransport, this.recvTransport].map((transport) => transport?.getStats()));
    return reports.flatMap((report) => report ? [...report.values()] as { type: string }[] : [])
      .filter((entry) => entry.type === 'inbound-rtp' || entry.type === 'outbound-rtp' || entry.type === 'remote-inbound-rtp');
  }

  /** What comes of a peer's voice: the codecs agreed, packets, and bytes of their payloads. */
  async voiceOf(peerId: string): Promise<{ codecs: string[]; packets: number; bytes: number }> {
    const consumer = [...this.received.values()].find((entry) => entry.peerId === peerId && entry.consumer.kind === 'audio')?.consumer;
    const report = [...(await consumer?.getStats() ?? new Map()).values()] as Record<string, unknown>[];
    const stream = report.find((entry) => entry['type'] === 'inbound-rtp');
    return {
      codecs: consumer?.rtpParameters.codecs.map((codec) => codec.mimeType) ?? [],
      packets: Number(stream?.['packetsReceived'] ?? 0),
      bytes: Number(stream?.['bytesReceived'] ?? 0),
    };
  }

  /** The name is what tests close and pause it by. */
  private async produce(
    track: MediaStreamTrack, name: string = track.kind, encodings?: types.RtpEncodingParameters[], codec?: types.RtpCodecCapability,
  ): Promise<void> {
    this.sendTransport ??= await this.createTransport('send');
    this.producers.set(name, await this.sendTransport.produce({
      track,
      ...(encodings ? { encodings } : {}),
      ...(codec ? { codec } : {}),
      ...(this.options.thrifty ? { codecOptions: { opusPtime: 60, opusMaxPlaybackRate: 16_000, opusMaxAverageBitrate: 20_000 } } : {}),
    }));
  }

  /** The connection stands again. Another frontend knows nothing of the socket, but lets its user take the participant over. */
  private comeBack(): void {
    if (this.socket.recovered) {
      return;
    }
    const { room, user } = this.options;
    this.ask('join-room', { roomId: room, userId: user, resumeToken: this.resumeToken }).then(
      (answer) => this.events.push({ name: 'came-back', value: { ...answer, rtpCapabilities: undefined } }),
      (error: unknown) => this.errors.push(`join-room: ${String(error)}`),
    );
  }

  /** Every transport ended with the old media node: makes new ones and sends the same tracks again. What others send is announced anew. */
  private moveMedia(): void {
    const tracks = [...this.producers].flatMap(([name, { track }]) => track ? [{ name, track: track.clone() }] : []);
    this.forget(() => true);
    this.producers.clear();
    this.sendTransport?.close();
    this.recvTransport?.close();
    this.sendTransport = null;
    this.recvTransport = null;
    // In the queue of the consumers, so that none is asked for on a transport that does not stand yet.
    this.queue = this.queue.then(async () => {
      try {
        this.recvTransport = await this.createTransport('recv');
        for (const { name, track } of tracks) {
          await this.produce(track, name);
        }
      } catch (error) {
        this.errors.push(`media-moved: ${String(error)}`);
      }
    });
  }

  private producer(kind: string): types.Producer {
    const producer = this.producers.get(kind);
    if (!producer) {
      throw new Error(`nothing of kind ${kind} is sent`);
    }
    return producer;
  }

  private consumeLater(announced: Announced): void {
    this.queue = this.queue.then(async () => {
      try {
        await this.consume(announced);
      } catch (error) {
        if (!this.closed) {
          this.errors.push(`consume ${announced.producerId}: ${String(error)}`);
        }
      }
    });
  }

  private async consume({ peerId, producerId }: Announced): Promise<void> {
    if (!this.recvTransport || this.received.has(producerId)) {
      return;
    }
    const answer = await this.ask('consume', {
      roomId: this.options.room, transportId: this.recvTransport.id, producerId, rtpCapabilities: this.device.recvRtpCapabilities,
    }) as types.ConsumerOptions;
    const consumer = await this.recvTransport.consume(answer);
    this.received.set(producerId, {
      peerId,
      producerId,
      consumer,
      ear: consumer.kind === 'audio' && this.awake ? new Ear(audio(), consumer.track) : null,
      eye: consumer.kind === 'video' ? new Eye(consumer.track, this.joinedAt) : null,
    });
  }

  private async createTransport(direction: 'send' | 'recv'): Promise<types.Transport> {
    const { room, mediaPorts } = this.options;
    const description = await this.ask('create-transport', { roomId: room }) as types.TransportOptions;
    if (mediaPorts) {
      description.iceCandidates = description.iceCandidates.map((candidate) => ({ ...candidate, port: mediaPorts[candidate.port] ?? 0 }));
    }
    const transport = direction === 'send' ? this.createSendTransport(description) : this.device.createRecvTransport(description);
    transport.on('connect', ({ dtlsParameters }, done, fail) => {
      this.ask('connect-transport', { roomId: room, transportId: transport.id, dtlsParameters }).then(() => done(), fail);
    });
    transport.on('produce', ({ kind, rtpParameters }, done, fail) => {
      this.ask('produce', { roomId: room, transportId: transport.id, kind, rtpParameters }).then((answer) => done(answer as { id: string }), fail);
    });
    return transport;
  }

  // mediasoup-client makes its connection here, of what has this name.
  private createSendTransport(description: types.TransportOptions): types.Transport {
    const { RTCPeerConnection: ordinary } = window;
    window.RTCPeerConnection = this.options.red === 'send' ? RedPeerConnection : ordinary;
    try {
      return this.device.createSendTransport(description);
    } finally {
      window.RTCPeerConnection = ordinary;
    }
  }

  private codec(matches: (codec: types.RtpCodecCapability) => boolean): types.RtpCodecCapability {
    const found = this.device.recvRtpCapabilities.codecs?.find(matches);
    if (!found) {
      throw new Error('the codec is not there');
    }
    return found;
  }

  private async ask(event: string, request: object): Promise<object> {
    const answer = await this.socket.timeout(15_000).emitWithAck(event, request) as object & { error?: { code: string; message: string } };
    if (answer.error) {
      throw new Error(`${event}: ${answer.error.code} ${answer.error.message}`);
    }
    return answer;
  }

  private listen(): void {
    for (const { producerId, ear } of this.received.values()) {
      if (ear) {
        this.everHeard.note(producerId, ear.tones(), audio().currentTime, ear.windowSeconds);
      }
    }
  }

  private forget(matches: (entry: Received) => boolean, peerId?: string): void {
    if (peerId !== undefined) {
      this.peers.delete(peerId);
    }
    for (const [producerId, entry] of this.received) {
      if (matches(entry)) {
        entry.ear?.close();
        entry.eye?.close();
        entry.consumer.close();
        this.received.delete(producerId);
        this.everHeard.forget(producerId);
      }
    }
  }
}
