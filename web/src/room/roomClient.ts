import { MicrophoneMeter, receiverLevel } from '../media/levels';
import { MediaSession } from '../media/mediaSession';
import type { DeviceKind } from '../media/devices';
import { Emitter } from './emitter';
import { describe, RequestError } from './errors';
import { userId } from './identity';
import { LocalMedia } from './localMedia';
import { participantOf, type Participant } from './participant';
import type { JoinAnswer, RtpCapabilities } from './protocol';
import { RemoteMedia } from './remoteMedia';
import { Signalling } from './signalling';

/** What failed on a standing connection, and may succeed later, is tried again after so long. */
const RetryMs = 2000;

export type RoomStatus = 'idle' | 'connecting' | 'joined' | 'reconnecting';

export interface Notice {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  /** About the connection: no longer true once the room is joined. */
  readonly passing?: boolean;
}

export interface RoomEvents {
  status: RoomStatus;
  /** Who is in the room, or something about one of them, has changed. */
  roster: undefined;
  /** Something that a person should read. */
  notice: Notice;
  /** Someone came or went: said to screen readers. */
  presence: string;
  /** The stay is over, by our wish (no message) or by the server's. */
  ended: { message: string | null };
}

/** One stay in a room: the connection, the people, one's own devices and the others' voices. */
export class RoomClient extends Emitter<RoomEvents> {
  readonly local: LocalMedia;
  readonly remote = new RemoteMedia();
  private readonly signalling: Signalling;
  private readonly people = new Map<string, Participant>();
  private readonly audioContext = new AudioContext();
  private readonly meter = new MicrophoneMeter(this.audioContext);
  private media: MediaSession | null = null;
  private self: Participant | null = null;
  private resumeToken: string | null = null;
  private state: RoomStatus = 'idle';
  /** Counts the attempts to enter or to rebuild, so that an overtaken one stops quietly. */
  private attempt = 0;
  /** When the room was last asked to let us in. */
  private enteredAt = -RetryMs;
  private retryTimer = 0;

  /**
   * @param roomId the room's name; a channel's is its id
   * @param title what people call it
   * @param token of who is signed in, or null: then a user of this tab alone
   * @param admission what must be done before the room lets one in
   */
  constructor(
    readonly roomId: string, readonly displayName: string, readonly title = roomId, token: string | null = null,
    private readonly admission: () => Promise<void> = () => Promise.resolve()) {
    super();
    this.signalling = new Signalling(token);
    this.local = new LocalMedia(this.signalling, () => this.roomId);
    this.wireConnection();
    this.wireRoom();
    this.wireDevices();
  }

  get status(): RoomStatus {
    return this.state;
  }

  /** Oneself first, then the others in the order of their arrival. */
  get participants(): Participant[] {
    return [...this.people.values()].sort((a, b) => Number(b.isSelf) - Number(a.isSelf));
  }

  /** Connects and joins; must be called from a click or a key, so that sound is allowed. */
  start(): void {
    this.setStatus('connecting');
    void this.audioContext.resume();
    this.signalling.open();
    void this.guard(this.local.openMicrophone());
  }

  async leave(): Promise<void> {
    try {
      await this.signalling.request('leave-room', { roomId: this.roomId });
    } catch (error) {
      // Closing the connection ends the stay as well.
      console.debug('leave-room was not answered', error);
    }
    this.end(null);
  }

  /** Leaves at once, without waiting for anything: the page goes away. */
  abandon(): void {
    this.end(null);
  }

  setMuted(muted: boolean): Promise<void> {
    return this.guard(this.local.setMuted(muted));
  }

  setCamera(on: boolean): Promise<void> {
    return this.guard(this.local.setCamera(on));
  }

  useDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    return this.guard(this.local.useDevice(kind, deviceId));
  }

  /** The level to draw for a participant now, in dBov. */
  levelOf(participant: Participant): number {
    if (participant.muted) {
      return -127;
    }
    return participant.isSelf
      ? this.meter.level()
      : Math.max(receiverLevel(this.remote.voiceReceiver(participant.peerId)), participant.speaking ? participant.level : -127);
  }

  private wireConnection(): void {
    this.signalling.on('connected', ({ recovered }) => {
      if (recovered && this.media && !this.media.isUncertain) {
        this.setStatus('joined');
        this.remote.sync();
        void this.guard(this.local.sync());
      } else {
        void this.enter(this.media !== null && !this.media.isUncertain);
      }
    });
    this.signalling.on('disconnected', ({ final }) => {
      if (this.state === 'idle') {
        return;
      }
      if (final) {
        this.end('The server ended your stay in this room.');
      } else {
        this.setStatus('reconnecting');
      }
    });
    this.signalling.on('refused', ({ message }) => this.end(`The server does not let you in: ${message}`));
    this.signalling.on('unreachable', ({ message }) => {
      if (this.state === 'connecting') {
        console.debug('connect attempt failed', message);
        this.emit('notice', { level: 'error', text: 'The server does not answer. Trying again…', passing: true });
      }
    });
  }

  private wireRoom(): void {
    this.signalling.on('peer-joined', (peer) => {
      const participant = participantOf(peer);
      const known = this.people.has(peer.peerId);
      this.people.set(peer.peerId, participant);
      this.refresh(peer.peerId);
      if (!known) {
        this.emit('presence', `${participant.name} joined.`);
      }
    });
    this.signalling.on('peer-left', ({ peerId }) => {
      const participant = this.people.get(peerId);
      this.remote.removePeer(peerId);
      if (participant && this.people.delete(peerId)) {
        this.emit('roster', undefined);
        this.emit('presence', `${participant.name} left.`);
      }
    });
    this.signalling.on('new-producer', (producer) => this.remote.add(producer));
    this.signalling.on('producer-closed', ({ producerId }) => this.remote.remove(producerId));
    this.signalling.on('producer-paused', ({ producerId }) => this.remote.setPaused(producerId, true));
    this.signalling.on('producer-resumed', ({ producerId }) => this.remote.setPaused(producerId, false));
    this.signalling.on('active-speakers', (speakers) => {
      const levels = new Map(speakers.map((speaker) => [speaker.peerId, speaker.level]));
      for (const participant of this.people.values()) {
        participant.speaking = levels.has(participant.peerId);
        participant.level = levels.get(participant.peerId) ?? -127;
      }
      this.emit('roster', undefined);
    });
    this.signalling.on('media-moved', ({ rtpCapabilities }) => {
      // Every track ended with the old media node; the others announce theirs again as they arrive at the new one.
      this.emit('notice', { level: 'info', text: 'The call moves to another media server…' });
      this.remote.clear();
      void this.rebuildMedia(rtpCapabilities);
    });
    this.remote.on('change', ({ peerId }) => this.refresh(peerId));
    this.remote.on('failed', ({ peerId, kind, error }) => {
      const name = this.people.get(peerId)?.name ?? 'someone';
      console.warn('consume failed', error);
      if (error instanceof RequestError && error.code === 'UNAVAILABLE') {
        this.syncLater();
      }
      this.emit('notice', { level: 'warning', text: `The ${kind === 'audio' ? 'voice' : 'camera'} of ${name} cannot be received: ${describe(error)}` });
    });
  }

  private wireDevices(): void {
    this.local.on('change', () => {
      if (this.local.microphone) {
        this.meter.attach(this.local.microphone);
      } else {
        this.meter.detach();
      }
      if (this.self) {
        this.refresh(this.self.peerId);
      }
    });
    this.local.on('failed', (error) => {
      const text = error.kind === 'microphone' ? `${error.message} You can still listen.` : error.message;
      this.emit('notice', { level: error.denied ? 'error' : 'warning', text });
    });
  }

  /** @param keepsMedia the transports are as they were: another server may let us go on where this one left us */
  private async enter(keepsMedia = false): Promise<void> {
    const attempt = ++this.attempt;
    this.enteredAt = performance.now();
    let answer: JoinAnswer;
    try {
      await this.admission();
      answer = await this.signalling.request('join-room', {
        roomId: this.roomId,
        userId: userId(),
        displayName: this.displayName,
        ...keepsMedia && this.resumeToken ? { resumeToken: this.resumeToken } : {},
      });
    } catch (error) {
      if (attempt === this.attempt && this.state !== 'idle') {
        this.entryFailed(error, attempt);
      }
      return;
    }
    if (attempt !== this.attempt || this.state === 'idle') {
      return;
    }

    this.resumeToken = answer.resumeToken;
    if (answer.resumed && await this.media?.stands(answer.transports ?? [])) {
      if (attempt === this.attempt) {
        this.keep(answer);
      }
      return;
    }

    this.dropMedia();
    this.remote.clear();
    this.people.clear();
    this.self = participantOf({ peerId: answer.peerId, userId: userId(), displayName: this.displayName }, true);
    this.people.set(answer.peerId, this.self);
    for (const peer of answer.peers) {
      if (peer.peerId !== answer.peerId) {
        this.people.set(peer.peerId, participantOf(peer));
      }
    }
    for (const producer of answer.producers) {
      if (producer.peerId !== answer.peerId) {
        this.remote.add(producer);
      }
    }
    this.refresh(answer.peerId);
    this.setStatus('joined');
    await this.rebuildMedia(answer.rtpCapabilities);
  }

  /** The stay goes on: only what changed meanwhile is taken over. */
  private keep(answer: JoinAnswer): void {
    const present = new Set(answer.peers.map((peer) => peer.peerId));
    for (const participant of [...this.people.values()]) {
      if (!participant.isSelf && !present.has(participant.peerId)) {
        this.remote.removePeer(participant.peerId);
        this.people.delete(participant.peerId);
      }
    }
    for (const peer of answer.peers) {
      if (peer.peerId !== answer.peerId && !this.people.has(peer.peerId)) {
        this.people.set(peer.peerId, participantOf(peer));
      }
    }
    this.remote.keep(answer.producers.filter((producer) => producer.peerId !== answer.peerId));
    for (const peerId of this.people.keys()) {
      this.refresh(peerId);
    }
    this.setStatus('joined');
    this.remote.sync();
    void this.guard(this.local.sync());
  }

  private entryFailed(error: unknown, attempt: number): void {
    if (!(error instanceof RequestError && (error.isConnection || error.isPassing))) {
      this.end(`The room cannot be joined: ${describe(error)}`);
    } else if (error.isPassing) {
      // The connection stands but nothing came back; without a connection the reconnect brings us here again.
      this.emit('notice', { level: 'error', text: describe(error), passing: true });
      setTimeout(() => {
        if (attempt === this.attempt && this.state !== 'idle') {
          void this.enter();
        }
      }, RetryMs);
    }
  }

  /** New transports for the same stay: on entry, after a move to another media node, or when ICE cannot be repaired. */
  private async rebuildMedia(rtpCapabilities: RtpCapabilities): Promise<void> {
    this.dropMedia();
    const attempt = ++this.attempt;
    let session: MediaSession;
    try {
      session = await MediaSession.open(this.signalling, this.roomId, rtpCapabilities);
    } catch (error) {
      this.end(`This browser cannot take part: ${describe(error)}`);
      return;
    }
    if (attempt !== this.attempt || this.state === 'idle') {
      session.close();
      return;
    }

    this.media = session;
    session.on('health', ({ healthy }) => {
      if (!healthy && this.media === session) {
        this.emit('notice', { level: 'warning', text: 'The media connection is interrupted. Repairing it…' });
      }
    });
    session.on('lost', () => this.replaceMedia(session));
    this.remote.attach(session);
    await this.guard(this.local.attach(session));
  }

  /** Enters again for new transports, but not at once after the last time: what failed then may fail again. */
  private replaceMedia(lost: MediaSession): void {
    const { enteredAt } = this;
    setTimeout(() => {
      if (this.media === lost && this.state === 'joined' && this.enteredAt === enteredAt) {
        void this.enter();
      }
    }, Math.max(0, enteredAt + RetryMs - performance.now()));
  }

  /** Sends and receives a little later what the cluster was not ready for. */
  private syncLater(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => {
      if (this.state === 'joined') {
        this.remote.sync();
        void this.guard(this.local.sync());
      }
    }, RetryMs);
  }

  private dropMedia(): void {
    this.media?.close();
    this.media = null;
    this.local.detach();
    this.remote.detach();
  }

  private refresh(peerId: string): void {
    const participant = this.people.get(peerId);
    if (participant) {
      participant.muted = participant.isSelf ? this.local.muted : !this.remote.hasVoice(peerId);
      participant.camera = participant.isSelf ? this.local.camera : this.remote.camera(peerId);
    }
    this.emit('roster', undefined);
  }

  private end(message: string | null): void {
    if (this.state === 'idle') {
      return;
    }
    this.setStatus('idle');
    this.attempt++;
    clearTimeout(this.retryTimer);
    this.signalling.close();
    this.dropMedia();
    this.remote.clear();
    this.local.release();
    this.meter.detach();
    this.people.clear();
    void this.audioContext.close();
    this.emit('ended', { message });
  }

  /** Turns the failure of a wish of the user's into a notice; a lost connection is shown by the status already. */
  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const lost = error instanceof RequestError && error.isConnection && error.code !== 'TIMEOUT';
      if (this.state !== 'idle' && !lost) {
        console.warn('request failed', error);
        this.emit('notice', { level: 'error', text: describe(error) });
        if (error instanceof RequestError && error.code === 'UNAVAILABLE') {
          this.syncLater();
        }
      }
    }
  }

  private setStatus(status: RoomStatus): void {
    if (this.state !== status) {
      this.state = status;
      this.emit('status', status);
    }
  }
}
