import type { types } from 'mediasoup-client';
import type { MediaSession } from '../media/mediaSession';
import { Playback } from '../media/playback';
import { Emitter } from './emitter';
import { RequestError } from './errors';
import type { MediaKind, ProducerInfo } from './protocol';

export interface RemoteMediaEvents {
  /** What a peer sends has changed. */
  change: { peerId: string };
  /** A track of a peer cannot be received. */
  failed: { peerId: string; kind: MediaKind; error: unknown };
}

interface Received {
  readonly producer: ProducerInfo;
  consumer: types.Consumer | null;
  paused: boolean;
}

/** What the others send: known from events, received through the current media session. */
export class RemoteMedia extends Emitter<RemoteMediaEvents> {
  readonly playback = new Playback();
  private readonly received = new Map<string, Received>();
  private session: MediaSession | null = null;

  /** Uses this session from now on and receives through it everything that is known. */
  attach(session: MediaSession): void {
    this.session = session;
    this.sync();
  }

  /** Forgets the consumers, which end with their session, but not what the others send. */
  detach(): void {
    this.session = null;
    this.playback.clear();
    for (const entry of this.received.values()) {
      entry.consumer = null;
    }
  }

  clear(): void {
    this.detach();
    this.received.clear();
  }

  add(producer: ProducerInfo): void {
    if (!this.received.has(producer.producerId)) {
      const entry = { producer, consumer: null, paused: producer.paused ?? false };
      this.received.set(producer.producerId, entry);
      this.emit('change', { peerId: producer.peerId });
      void this.receive(entry);
    }
  }

  /** Takes over what the others send now: what is known already goes on. */
  keep(producers: readonly ProducerInfo[]): void {
    const present = new Set(producers.map((producer) => producer.producerId));
    for (const producerId of [...this.received.keys()]) {
      if (!present.has(producerId)) {
        this.remove(producerId);
      }
    }
    for (const producer of producers) {
      this.add(producer);
      this.setPaused(producer.producerId, producer.paused ?? false);
    }
  }

  remove(producerId: string): void {
    const entry = this.received.get(producerId);
    if (entry) {
      this.received.delete(producerId);
      this.drop(entry);
      this.emit('change', { peerId: entry.producer.peerId });
    }
  }

  removePeer(peerId: string): void {
    for (const [producerId, entry] of this.received) {
      if (entry.producer.peerId === peerId) {
        this.received.delete(producerId);
        this.drop(entry);
      }
    }
  }

  setPaused(producerId: string, paused: boolean): void {
    const entry = this.received.get(producerId);
    if (entry) {
      entry.paused = paused;
      this.emit('change', { peerId: entry.producer.peerId });
    }
  }

  /** Receives what is known and not yet received. */
  sync(): void {
    for (const entry of this.received.values()) {
      if (!entry.consumer) {
        void this.receive(entry);
      }
    }
  }

  /** True when the peer sends a voice that is not muted. */
  hasVoice(peerId: string): boolean {
    return this.of(peerId).some((entry) => entry.producer.kind === 'audio' && !entry.paused);
  }

  camera(peerId: string): MediaStreamTrack | null {
    return this.of(peerId).find((entry) => entry.producer.kind === 'video' && !entry.paused && entry.consumer)?.consumer?.track ?? null;
  }

  voiceReceiver(peerId: string): RTCRtpReceiver | undefined {
    return this.of(peerId).find((entry) => entry.producer.kind === 'audio')?.consumer?.rtpReceiver;
  }

  private of(peerId: string): Received[] {
    return [...this.received.values()].filter((entry) => entry.producer.peerId === peerId);
  }

  private async receive(entry: Received): Promise<void> {
    const { session } = this;
    if (!session) {
      return;
    }

    const { peerId, producerId, kind } = entry.producer;
    let consumer: types.Consumer;
    try {
      consumer = await session.consume(producerId);
    } catch (error) {
      // A producer that ended while we asked for it is no failure; nor is a session that was replaced.
      const gone = error instanceof RequestError && error.code === 'NOT_FOUND';
      if (this.session === session && this.received.get(producerId) === entry && !gone) {
        this.emit('failed', { peerId, kind, error });
      }
      return;
    }

    if (this.session !== session || this.received.get(producerId) !== entry || entry.consumer) {
      consumer.close();
      return;
    }
    entry.consumer = consumer;
    if (kind === 'audio') {
      this.playback.add(producerId, consumer.track);
    }
    this.emit('change', { peerId });
  }

  private drop(entry: Received): void {
    this.playback.remove(entry.producer.producerId);
    entry.consumer?.close();
    entry.consumer = null;
  }
}
