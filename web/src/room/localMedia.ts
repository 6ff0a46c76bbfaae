import type { types } from 'mediasoup-client';
import { DeviceError, openDevice, preferDevice, type DeviceKind } from '../media/devices';
import type { MediaSession } from '../media/mediaSession';
import { Emitter } from './emitter';
import type { Signalling } from './signalling';

export interface LocalMediaEvents {
  /** The microphone or the camera was opened, closed, muted or unmuted. */
  change: undefined;
  /** A device failed, or went away. */
  failed: DeviceError;
}

interface Source {
  track: MediaStreamTrack | null;
  producer: types.Producer | null;
}

/** One's own microphone and camera. They outlive media sessions: a new session gets the same tracks again. */
export class LocalMedia extends Emitter<LocalMediaEvents> {
  private readonly sources: Record<DeviceKind, Source> = {
    microphone: { track: null, producer: null },
    camera: { track: null, producer: null },
  };

  private session: MediaSession | null = null;
  private wantsMuted = false;
  /** Device changes run one after another, so that quick presses cannot cross. */
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly signalling: Signalling, private readonly roomId: () => string) {
    super();
  }

  get microphone(): MediaStreamTrack | null {
    return this.sources.microphone.track;
  }

  get camera(): MediaStreamTrack | null {
    return this.sources.camera.track;
  }

  /** True when nobody can hear us: muted, or without a microphone. */
  get muted(): boolean {
    return this.wantsMuted || this.microphone === null;
  }

  /** Uses this session from now on and sends through it what is open. */
  attach(session: MediaSession): Promise<void> {
    this.session = session;
    this.sources.microphone.producer = null;
    this.sources.camera.producer = null;
    return this.sync();
  }

  detach(): void {
    this.session = null;
    this.sources.microphone.producer = null;
    this.sources.camera.producer = null;
  }

  /** Opens the microphone; a failure is told by the event and leaves us a listener. */
  openMicrophone(): Promise<void> {
    return this.enqueue(() => this.open('microphone'));
  }

  setMuted(muted: boolean): Promise<void> {
    return this.enqueue(async () => {
      if (!muted && this.microphone === null) {
        await this.open('microphone');
      }
      this.wantsMuted = muted;
      if (this.microphone) {
        this.microphone.enabled = !muted;
      }
      this.emit('change', undefined);
      await this.tellPaused();
    });
  }

  setCamera(on: boolean): Promise<void> {
    return this.enqueue(async () => {
      if (on && this.camera === null) {
        await this.open('camera');
      } else if (!on && this.camera !== null) {
        await this.shut('camera');
      }
    });
  }

  /** Changes to another device; the others notice nothing but the new picture or sound. */
  useDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    preferDevice(kind, deviceId);
    return this.enqueue(async () => {
      const source = this.sources[kind];
      if (source.track) {
        await this.open(kind, deviceId);
      }
    });
  }

  /** Produces what is open and not yet sent, and repeats the mute state: after a reconnect either may be missing. */
  sync(): Promise<void> {
    return this.enqueue(async () => {
      await this.send('microphone');
      await this.send('camera');
      await this.tellPaused();
    });
  }

  /** Lets go of the devices. */
  release(): void {
    this.detach();
    for (const source of Object.values(this.sources)) {
      source.track?.stop();
      source.track = null;
    }
    this.wantsMuted = false;
  }

  private async open(kind: DeviceKind, deviceId?: string): Promise<void> {
    const source = this.sources[kind];
    let track: MediaStreamTrack;
    try {
      track = await openDevice(kind, deviceId);
    } catch (error) {
      if (!(error instanceof DeviceError)) {
        throw error;
      }
      this.emit('failed', error);
      return;
    }

    const previous = source.track;
    source.track = track;
    track.enabled = kind === 'camera' || !this.wantsMuted;
    track.onended = () => void this.enqueue(() => this.deviceGone(kind, track));
    if (source.producer) {
      await source.producer.replaceTrack({ track });
    } else {
      await this.send(kind);
    }
    previous?.stop();
    this.emit('change', undefined);
  }

  private async shut(kind: DeviceKind): Promise<void> {
    const source = this.sources[kind];
    const { producer } = source;
    source.track?.stop();
    source.track = null;
    source.producer = null;
    this.emit('change', undefined);
    if (producer && !producer.closed) {
      producer.close();
      await this.signalling.request('close-producer', { roomId: this.roomId(), producerId: producer.id });
    }
  }

  private async deviceGone(kind: DeviceKind, track: MediaStreamTrack): Promise<void> {
    if (this.sources[kind].track !== track) {
      return;
    }
    await this.shut(kind);
    this.emit('failed', new DeviceError(kind, false, `The ${kind} was disconnected.`));
  }

  private async send(kind: DeviceKind): Promise<void> {
    const source = this.sources[kind];
    const { session } = this;
    if (!session || !source.track || (source.producer && !source.producer.closed)) {
      return;
    }
    if (!session.canProduce(kind === 'microphone' ? 'audio' : 'video')) {
      this.emit('failed', new DeviceError(kind, false, `This browser and the server have no common codec for the ${kind}.`));
      return;
    }
    try {
      const producer = await session.produce(source.track);
      if (this.session === session) {
        source.producer = producer;
      }
    } catch (error) {
      // A session that was replaced meanwhile ends what it had begun; the new one sends the track again.
      if (this.session === session) {
        throw error;
      }
    }
  }

  /** Mutes on this side first, so that nothing leaves the device, and then at the server, which stops forwarding. */
  private async tellPaused(): Promise<void> {
    const { producer } = this.sources.microphone;
    if (!producer || producer.closed) {
      return;
    }
    if (this.wantsMuted) {
      producer.pause();
    } else {
      producer.resume();
    }
    await this.signalling.request(this.wantsMuted ? 'pause-producer' : 'resume-producer', { roomId: this.roomId(), producerId: producer.id });
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.queue.then(work);
    // The caller sees the failure; the next piece of work must run all the same.
    this.queue = done.catch(() => undefined);
    return done;
  }
}
