import { Device, type types } from 'mediasoup-client';
import { Emitter } from '../room/emitter';
import { RequestError } from '../room/errors';
import type { MediaKind, Requests, RtpCapabilities } from '../room/protocol';
import type { Signalling } from '../room/signalling';

/** A connection that is "disconnected" for so long is helped by an ICE restart. */
const RestartAfterMs = 2000;

export interface MediaSessionEvents {
  /** Media does not flow and this session cannot mend it: it should be built again. */
  lost: undefined;
  /** ICE is being repaired, or has been. */
  health: { direction: 'send' | 'recv'; healthy: boolean };
}

/**
 * The media side of one stay in a room: a mediasoup device with one transport each way, made when first needed.
 * It never outlives the media node that it was made for; {@link close} leaves local tracks alone.
 */
export class MediaSession extends Emitter<MediaSessionEvents> {
  private readonly device = new Device();
  private readonly transports = new Map<'send' | 'recv', Promise<types.Transport>>();
  private readonly restartTimers = new Map<string, number>();
  private closed = false;
  private uncertain = false;

  private constructor(private readonly signalling: Signalling, private readonly roomId: string) {
    super();
  }

  /**
   * True when a request was cut off from its answer: the server may have a transport connected, or a track, that the
   * device knows nothing of. Or a transport was not connected: its negotiation is half done, and mediasoup-client
   * cannot begin it again. Such a session is built again rather than repaired.
   */
  get isUncertain(): boolean {
    return this.uncertain;
  }

  static async open(signalling: Signalling, roomId: string, rtpCapabilities: RtpCapabilities): Promise<MediaSession> {
    const session = new MediaSession(signalling, roomId);
    await session.device.load({ routerRtpCapabilities: rtpCapabilities });
    return session;
  }

  async produce(track: MediaStreamTrack): Promise<types.Producer> {
    const transport = await this.transport('send');
    return transport.produce({
      track,
      stopTracks: false,
      ...(track.kind === 'audio'
        ? { codecOptions: { opusFec: true, opusDtx: true } }
        : { encodings: [{ maxBitrate: 1_200_000 }], codecOptions: { videoGoogleStartBitrate: 600 } }),
    });
  }

  canProduce(kind: MediaKind): boolean {
    return this.device.canProduce(kind);
  }

  async consume(producerId: string): Promise<types.Consumer> {
    const transport = await this.transport('recv');
    const answer = await this.ask('consume', {
      roomId: this.roomId,
      transportId: transport.id,
      producerId,
      rtpCapabilities: this.device.recvRtpCapabilities,
    });
    return transport.consume(answer);
  }

  /** True when the server still has every transport of this session. */
  async stands(transportIds: readonly string[]): Promise<boolean> {
    const made = await Promise.all([...this.transports.values()].map((pending) => pending.then((transport) => transport.id, () => null)));
    return made.every((id) => id !== null && transportIds.includes(id));
  }

  close(): void {
    this.closed = true;
    for (const timer of this.restartTimers.values()) {
      clearTimeout(timer);
    }
    this.restartTimers.clear();
    for (const pending of this.transports.values()) {
      // A transport that could not be made has told its caller so, and there is nothing to close.
      pending.then((transport) => transport.close(), () => undefined);
    }
  }

  private async ask<Name extends keyof Requests>(name: Name, request: Requests[Name]['request']): Promise<Requests[Name]['answer']> {
    try {
      return await this.signalling.request(name, request);
    } catch (error) {
      if (error instanceof RequestError && error.isUnanswered) {
        this.doubt();
      }
      throw error;
    }
  }

  private doubt(): void {
    if (this.closed) {
      return;
    }
    this.uncertain = true;
    if (this.signalling.isConnected) {
      // No reconnect will bring the matter up.
      this.emit('lost', undefined);
    }
  }

  private transport(direction: 'send' | 'recv'): Promise<types.Transport> {
    let pending = this.transports.get(direction);
    if (!pending) {
      pending = this.createTransport(direction);
      this.transports.set(direction, pending);
      pending.catch(() => this.transports.delete(direction));
    }
    return pending;
  }

  private async createTransport(direction: 'send' | 'recv'): Promise<types.Transport> {
    const options = await this.signalling.request('create-transport', { roomId: this.roomId });
    if (this.closed) {
      throw new Error('the media session was closed meanwhile');
    }
    const transport = direction === 'send' ? this.device.createSendTransport(options) : this.device.createRecvTransport(options);

    transport.on('connect', ({ dtlsParameters }, done, fail) => {
      this.ask('connect-transport', { roomId: this.roomId, transportId: transport.id, dtlsParameters })
        .then(() => done(), (error) => {
          fail(error);
          this.doubt();
        });
    });
    transport.on('produce', ({ kind, rtpParameters }, done, fail) => {
      this.ask('produce', { roomId: this.roomId, transportId: transport.id, kind, rtpParameters })
        .then(done, fail);
    });
    transport.on('connectionstatechange', (state) => this.watch(transport, direction, state));
    return transport;
  }

  private watch(transport: types.Transport, direction: 'send' | 'recv', state: types.ConnectionState): void {
    clearTimeout(this.restartTimers.get(transport.id));
    this.restartTimers.delete(transport.id);
    if (state === 'connected') {
      this.emit('health', { direction, healthy: true });
    } else if (state === 'disconnected' || state === 'failed') {
      this.emit('health', { direction, healthy: false });
      const delay = state === 'failed' ? 0 : RestartAfterMs;
      this.restartTimers.set(transport.id, window.setTimeout(() => void this.restartIce(transport), delay));
    }
  }

  private async restartIce(transport: types.Transport): Promise<void> {
    try {
      const { iceParameters } = await this.signalling.request('restart-ice', { roomId: this.roomId, transportId: transport.id });
      if (!this.closed) {
        await transport.restartIce({ iceParameters });
      }
    } catch (error) {
      if (!this.closed) {
        console.warn('ICE restart failed', error);
        this.emit('lost', undefined);
      }
    }
  }
}
