import { Emitter } from '../room/emitter';
import type { SignalKind } from './protocol';

/** A path that is "disconnected" for so long gets an ICE restart; one that does not come back after it is given up. */
const RestartAfterMs = 3000;
const GiveUpAfterMs = 20_000;

export interface PeerEvents {
  /** Something for the other side. */
  signal: { kind: SignalKind; payload: RTCSessionDescriptionInit | RTCIceCandidateInit };
  /** The other's voice. */
  track: MediaStreamTrack;
  connected: undefined;
  interrupted: undefined;
  /** The path is broken for good. */
  failed: undefined;
}

/** The media of one call, from browser to browser. The caller offers, at first and when the path has to be repaired. */
export class Peer extends Emitter<PeerEvents> {
  private readonly connection: RTCPeerConnection;
  private readonly early: RTCIceCandidateInit[] = [];
  private repair: number | undefined;
  private giveUp: number | undefined;
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly isCaller: boolean, iceServers: RTCIceServer[], microphone: MediaStreamTrack | null) {
    super();
    this.connection = new RTCPeerConnection({ iceServers });
    if (microphone) {
      this.connection.addTrack(microphone, new MediaStream([microphone]));
    } else if (isCaller) {
      this.connection.addTransceiver('audio', { direction: 'recvonly' });
    }
    this.connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate) {
        this.emit('signal', { kind: 'candidate', payload: candidate.toJSON() });
      }
    });
    this.connection.addEventListener('track', ({ track }) => this.emit('track', track));
    this.connection.addEventListener('connectionstatechange', () => this.watch());
  }

  /** Offers; the caller does it right away, before the call is answered. */
  offer(options: RTCOfferOptions = {}): Promise<void> {
    return this.enqueue(async () => {
      const offer = await this.connection.createOffer(options);
      await this.connection.setLocalDescription(offer);
      this.emit('signal', { kind: 'offer', payload: offer });
    });
  }

  /** Something from the other side. */
  receive(kind: SignalKind, payload: RTCSessionDescriptionInit | RTCIceCandidateInit): Promise<void> {
    return this.enqueue(async () => {
      if (kind === 'candidate') {
        const candidate = payload as RTCIceCandidateInit;
        if (this.connection.remoteDescription) {
          await this.connection.addIceCandidate(candidate);
        } else {
          this.early.push(candidate);
        }
        return;
      }
      await this.connection.setRemoteDescription(payload as RTCSessionDescriptionInit);
      for (const candidate of this.early.splice(0)) {
        await this.connection.addIceCandidate(candidate);
      }
      if (kind === 'offer') {
        const answer = await this.connection.createAnswer();
        await this.connection.setLocalDescription(answer);
        this.emit('signal', { kind: 'answer', payload: answer });
      }
    });
  }

  close(): void {
    clearTimeout(this.repair);
    clearTimeout(this.giveUp);
    this.connection.close();
  }

  private watch(): void {
    clearTimeout(this.repair);
    const state = this.connection.connectionState;
    if (state === 'connected') {
      clearTimeout(this.giveUp);
      this.giveUp = undefined;
      this.emit('connected', undefined);
    } else if (state === 'disconnected' || state === 'failed') {
      this.emit('interrupted', undefined);
      this.giveUp ??= window.setTimeout(() => this.emit('failed', undefined), GiveUpAfterMs);
      if (this.isCaller) {
        this.repair = window.setTimeout(() => void this.offer({ iceRestart: true }), state === 'failed' ? 0 : RestartAfterMs);
      }
    }
  }

  /** One negotiation step after another: a candidate must not overtake the description that it belongs to. */
  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(async () => {
      if (this.connection.signalingState !== 'closed') {
        await work();
      }
    }).catch((error: unknown) => {
      // A step that the browser refuses leaves the path as it is; if that is no path, the call is given up by its timer.
      console.warn('A negotiation step failed', error);
      this.giveUp ??= window.setTimeout(() => this.emit('failed', undefined), GiveUpAfterMs);
    });
    return this.queue;
  }
}
