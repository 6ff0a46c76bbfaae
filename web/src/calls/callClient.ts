import { Api, ApiError } from '../account/api';
import type { Session } from '../account/account';
import { userIdOf } from '../account/userId';
import { DeviceError, openDevice } from '../media/devices';
import { Playback } from '../media/playback';
import { Emitter } from '../room/emitter';
import type { Notice } from '../room/roomClient';
import { CallSocket } from './callSocket';
import { ChatBook } from './chatBook';
import { Peer } from './peer';
import { isOver, type Call, type ServerMessage, type SignalKind } from './protocol';
import { RingTone } from './ringTone';

/** calling: it rings there. connecting: answered, no voice yet. active: they talk. */
export type CallPhase = 'calling' | 'connecting' | 'active';

/** The call that the user is in. */
export interface CurrentCall {
  /** Null until the server has made the call. */
  id: string | null;
  readonly name: string;
  readonly outgoing: boolean;
  phase: CallPhase;
  /** When they began to talk, by the browser's clock in ms. */
  since: number | null;
  muted: boolean;
}

/** Somebody who rings here. */
export interface IncomingCall {
  readonly id: string;
  readonly name: string;
}

export interface CallEvents {
  online: boolean;
  /** Who rings here has changed; null when nobody does any more. */
  incoming: IncomingCall | null;
  /** The current call has changed. */
  change: undefined;
  /** The current call is over, for this reason. */
  ended: { name: string; text: string };
  notice: Notice;
  /** The token has ended: sign in again. */
  expired: undefined;
}

/** One-to-one calls of a signed-in user: ringing both ways, one call at a time, voice from browser to browser. */
export class CallClient extends Emitter<CallEvents> {
  readonly playback = new Playback();
  private readonly api: Api;
  private readonly chats: ChatBook;
  private readonly socket: CallSocket;
  private readonly tone = new RingTone();
  private readonly ringing = new Map<string, Call>();
  private call: CurrentCall | null = null;
  private peer: Peer | null = null;
  private microphone: MediaStreamTrack | null = null;
  /** Signals for the call that is being accepted, before its peer is made. */
  private early: { kind: SignalKind; payload: RTCSessionDescriptionInit | RTCIceCandidateInit }[] = [];

  constructor(readonly session: Session) {
    super();
    this.api = new Api(session.token);
    this.chats = new ChatBook(this.api, session.userId);
    this.socket = new CallSocket(session.token);
    this.socket.on('online', (online) => {
      if (online) {
        void this.catchUp();
      }
      this.emit('online', online);
    });
    this.socket.on('message', (message) => this.onMessage(message));
    this.socket.on('expired', () => this.emit('expired', undefined));
  }

  get current(): CurrentCall | null {
    return this.call;
  }

  get isOnline(): boolean {
    return this.socket.isOnline;
  }

  open(): void {
    this.socket.open();
  }

  /** Ends everything: signed out, or the page goes away. */
  close(): void {
    if (this.call) {
      this.hangup();
    }
    this.tone.stop();
    this.socket.close();
  }

  /** Calls a user by name. Must be called from a click or a key, so that sound is allowed. */
  async start(name: string): Promise<void> {
    if (this.current) {
      return;
    }
    const call = this.begin(null, name, true, 'calling');
    try {
      const recipientId = await userIdOf(name);
      await this.openMicrophone();
      if (this.call !== call) {
        return;
      }
      const made = await this.chats.start(recipientId);
      if (this.call !== call) {
        // Given up while the server made it.
        await this.api.request('DELETE', `/api/v1/calls/${made.id}`);
        return;
      }
      call.id = made.id;
      if (isOver(made.status)) {
        this.finish(made.status === 'busy' ? `${name} is in another call.` : 'The call could not be made.');
        return;
      }
      this.tone.play('outgoing');
      const peer = await this.makePeer(call);
      await peer?.offer();
    } catch (error) {
      if (this.call === call) {
        this.finish(this.sayWhyNot(error, name));
      }
    }
  }

  /** Takes the call that rings. A call that runs is ended first. */
  async accept(): Promise<void> {
    const ringing = [...this.ringing.values()][0];
    if (!ringing) {
      return;
    }
    if (this.call) {
      this.hangup();
    }
    this.ringing.delete(ringing.id);
    this.early = [];
    const call = this.begin(ringing.id, nameOf(ringing), false, 'connecting');
    this.announceRinging();
    try {
      await this.openMicrophone();
      if (this.call !== call) {
        return;
      }
      await this.makePeer(call);
      if (this.call === call && !this.socket.send('call:accept', { call_id: ringing.id })) {
        this.finish('The server cannot be reached just now.');
      }
    } catch (error) {
      if (this.call === call) {
        this.socket.send('call:reject', { call_id: ringing.id });
        this.finish(this.sayWhyNot(error, call.name));
      }
    }
  }

  decline(): void {
    const ringing = [...this.ringing.values()][0];
    if (ringing) {
      this.ringing.delete(ringing.id);
      this.socket.send('call:reject', { call_id: ringing.id });
      this.announceRinging();
    }
  }

  hangup(): void {
    const call = this.call;
    if (!call) {
      return;
    }
    if (call.id && !this.socket.send('call:hangup', { call_id: call.id })) {
      // Without a connection the request may still get through; if not, the server ends the call by itself.
      void this.api.request('DELETE', `/api/v1/calls/${call.id}`).catch((error: unknown) => console.debug('hang up was not answered', error));
    }
    this.finish('Call ended.');
  }

  setMuted(muted: boolean): void {
    if (this.call) {
      this.call.muted = muted || !this.microphone;
      if (this.microphone) {
        this.microphone.enabled = !muted;
      }
      this.emit('change', undefined);
    }
  }

  private onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'pong':
        break;
      case 'error':
        this.onError(message.code, message.message, message.call_id ?? null);
        break;
      case 'call:initiate':
        this.onInitiate(message.data);
        break;
      case 'call:accepted':
        if (this.call?.id === message.data.id && this.call.phase === 'calling') {
          this.tone.stop();
          this.setPhase('connecting');
        }
        break;
      case 'call:connected':
        if (this.call?.id === message.data.id && this.call.phase !== 'active') {
          this.setPhase('active');
        }
        break;
      case 'call:participant_left':
        break;
      case 'call:webrtc:offer':
        this.onSignal(message.data.call_id, 'offer', message.data.offer);
        break;
      case 'call:webrtc:answer':
        this.onSignal(message.data.call_id, 'answer', message.data.answer);
        break;
      case 'call:webrtc:candidate':
        this.onSignal(message.data.call_id, 'candidate', message.data.candidate);
        break;
      default:
        this.onOver(message.type, message.data);
    }
  }

  private onInitiate(call: Call): void {
    // A group's voices are in a room; this page calls from one to one.
    if (!call.room && call.id !== this.call?.id) {
      this.ringing.set(call.id, call);
      this.announceRinging();
    }
  }

  /** Rejected, missed, busy, ended, or answered on another device. */
  private onOver(type: string, call: Call): void {
    const rang = this.ringing.get(call.id);
    if (rang) {
      this.ringing.delete(call.id);
      this.announceRinging();
      if (type !== 'call:answered_elsewhere' && type !== 'call:rejected') {
        this.emit('notice', { level: 'info', text: `Missed call from ${nameOf(rang)}.` });
      }
    } else if (this.call?.id === call.id) {
      this.finish(this.reasonOf(type, call));
    }
  }

  private onSignal(callId: string, kind: SignalKind, payload: RTCSessionDescriptionInit | RTCIceCandidateInit): void {
    if (this.call?.id !== callId) {
      return;
    }
    if (this.peer) {
      void this.peer.receive(kind, payload);
    } else {
      this.early.push({ kind, payload });
    }
  }

  private onError(code: string, message: string, callId: string | null): void {
    if (callId === null || callId !== this.call?.id) {
      console.warn('The server refused a message', code, message);
      return;
    }
    if (code === 'CALL_ANSWERED') {
      this.finish('You answered on another device.');
    } else if (code === 'CALL_EXPIRED' || code === 'CALL_NOT_FOUND') {
      this.finish('The call is over.');
    } else {
      this.emit('notice', { level: 'warning', text: message });
    }
  }

  private async makePeer(call: CurrentCall): Promise<Peer | null> {
    const { iceServers } = await this.api.request<{ iceServers: RTCIceServer[] }>('GET', '/api/v1/calls/ice-servers');
    if (this.call !== call) {
      return null;
    }
    const peer = new Peer(call.outgoing, iceServers, this.microphone);
    this.peer = peer;
    peer.on('signal', ({ kind, payload }) => this.socket.send(`call:webrtc:${kind}`, { call_id: call.id, [kind]: payload }));
    peer.on('track', (track) => this.playback.add('call', track));
    peer.on('connected', () => {
      this.socket.send('call:connected', { call_id: call.id });
    });
    peer.on('interrupted', () => this.emit('notice', { level: 'warning', text: 'The connection is interrupted. Repairing it…', passing: true }));
    peer.on('failed', () => {
      if (this.call === call) {
        this.hangup();
        this.emit('notice', { level: 'error', text: `The voice connection to ${call.name} failed.` });
      }
    });
    for (const { kind, payload } of this.early.splice(0)) {
      void peer.receive(kind, payload);
    }
    return peer;
  }

  /** After a lost connection: what happened to the call meanwhile. The server itself rings again. */
  private async catchUp(): Promise<void> {
    const call = this.call;
    this.ringing.clear();
    this.announceRinging();
    if (!call?.id) {
      return;
    }
    try {
      const now = await this.api.request<Call>('GET', `/api/v1/calls/${call.id}`);
      if (this.call === call && isOver(now.status)) {
        this.finish(this.reasonOf(`call:${now.status}`, now));
      } else if (this.call === call && now.status === 'accepted' && call.phase === 'calling') {
        this.tone.stop();
        this.setPhase('connecting');
      }
    } catch (error) {
      console.warn('The state of the call is not known', error);
    }
  }

  private async openMicrophone(): Promise<void> {
    try {
      this.microphone = await openDevice('microphone');
    } catch (error) {
      if (!(error instanceof DeviceError)) {
        throw error;
      }
      if (this.call) {
        this.call.muted = true;
      }
      this.emit('notice', { level: error.denied ? 'error' : 'warning', text: `${error.message} You can still listen.` });
    }
    this.emit('change', undefined);
    if (!this.call) {
      this.releaseMicrophone();
    }
  }

  private begin(id: string | null, name: string, outgoing: boolean, phase: CallPhase): CurrentCall {
    this.call = { id, name, outgoing, phase, since: null, muted: false };
    this.emit('change', undefined);
    return this.call;
  }

  private setPhase(phase: CallPhase): void {
    if (this.call) {
      this.call.phase = phase;
      if (phase === 'active') {
        this.call.since = Date.now();
      }
      this.emit('change', undefined);
    }
  }

  private finish(text: string): void {
    const call = this.call;
    if (!call) {
      return;
    }
    this.call = null;
    this.peer?.close();
    this.peer = null;
    this.early = [];
    this.playback.clear();
    this.releaseMicrophone();
    this.tone.stop();
    this.emit('ended', { name: call.name, text });
    this.announceRinging();
  }

  private releaseMicrophone(): void {
    this.microphone?.stop();
    this.microphone = null;
  }

  private announceRinging(): void {
    const first = [...this.ringing.values()][0];
    if (first && !this.call) {
      this.tone.play('incoming');
    } else if (!this.call) {
      this.tone.stop();
    }
    this.emit('incoming', first ? { id: first.id, name: nameOf(first) } : null);
  }

  private reasonOf(type: string, call: Call): string {
    const name = this.call?.name ?? nameOf(call);
    switch (type) {
      case 'call:rejected': return `${name} declined.`;
      case 'call:missed': return `${name} did not answer.`;
      case 'call:busy': return `${name} is in another call.`;
      case 'call:answered_elsewhere': return 'You answered on another device.';
      default: return call.end_reason === 'connection_lost' ? 'The call was cut off.' : `${name} hung up.`;
    }
  }

  private sayWhyNot(error: unknown, name: string): string {
    if (error instanceof ApiError && error.code === 'ACTIVE_CALL_EXISTS') {
      return `You or ${name} are in a call already.`;
    }
    if (error instanceof ApiError && error.status === 401) {
      this.emit('expired', undefined);
      return 'Your sign-in has ended.';
    }
    return error instanceof Error ? error.message : String(error);
  }
}

function nameOf(call: Call): string {
  return call.caller_name ?? `User ${call.caller_id.slice(0, 8)}`;
}
