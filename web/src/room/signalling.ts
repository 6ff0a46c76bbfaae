import { io, type Socket } from 'socket.io-client';
import { Emitter } from './emitter';
import { RequestError } from './errors';
import type { PushEvents, Requests } from './protocol';

/** How long a request may take before it counts as lost. */
const RequestTimeoutMs = 10_000;

const PushNames: readonly (keyof PushEvents)[] = [
  'peer-joined', 'peer-left', 'new-producer', 'producer-closed', 'producer-paused', 'producer-resumed',
  'active-speakers', 'media-moved',
];

export interface SignallingEvents extends PushEvents {
  /** The connection stands. `recovered`: the server kept the session and has replayed what was missed. */
  'connected': { recovered: boolean };
  /** The connection is gone; `final` when it does not come back by itself. */
  'disconnected': { final: boolean };
  /** The server lets this client not in, and says why; there are no more attempts. */
  'refused': { message: string };
  /** An attempt to connect failed; attempts go on. */
  'unreachable': { message: string };
}

/** The page's one connection to the door: typed requests, typed events, reconnection by socket.io. */
export class Signalling extends Emitter<SignallingEvents> {
  private readonly socket: Socket;

  /** @param token of who is signed in, or null */
  constructor(token: string | null) {
    super();
    this.socket = io('/voice', {
      autoConnect: false,
      ...token ? { auth: { token } } : {},
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 4000,
    });
    this.socket.on('connect', () => this.emit('connected', { recovered: this.socket.recovered }));
    this.socket.on('disconnect', (reason) => this.emit('disconnected', { final: !this.socket.active && reason !== 'io client disconnect' }));
    this.socket.on('connect_error', (error) => this.emit(this.socket.active ? 'unreachable' : 'refused', { message: error.message }));
    for (const name of PushNames) {
      this.socket.on(name, (value: PushEvents[typeof name]) => this.emit(name, value));
    }
  }

  get isConnected(): boolean {
    return this.socket.connected;
  }

  open(): void {
    this.socket.connect();
  }

  /** Ends the connection for good; the server removes the participant at once. */
  close(): void {
    this.socket.disconnect();
  }

  /** Sends a request and gives its acknowledgement; a refusal is a {@link RequestError}. */
  async request<Name extends keyof Requests>(name: Name, request: Requests[Name]['request']): Promise<Requests[Name]['answer']> {
    if (!this.socket.connected) {
      throw new RequestError('NOT_CONNECTED', 'not connected');
    }

    let answer: Requests[Name]['answer'] | { error: { code: string; message: string } };
    try {
      answer = await this.socket.timeout(RequestTimeoutMs).emitWithAck(name, request);
    } catch (error) {
      throw new RequestError(this.socket.connected ? 'TIMEOUT' : 'UNANSWERED', error instanceof Error ? error.message : String(error));
    }
    if ('error' in answer) {
      throw new RequestError(answer.error.code, answer.error.message);
    }
    return answer;
  }
}
