import { Emitter } from '../room/emitter';
import type { ServerMessage } from './protocol';

const FirstRetryMs = 500;
const LastRetryMs = 8000;

/** A close code of the server: the token has ended. */
const TokenExpired = 4401;

export interface CallSocketEvents {
  /** The connection stands or not; while it stands the user can be called. */
  online: boolean;
  message: ServerMessage;
  /** The server takes the token no more. */
  expired: undefined;
}

/** The one WebSocket of a signed-in user. It comes back by itself until it is closed. */
export class CallSocket extends Emitter<CallSocketEvents> {
  private socket: WebSocket | null = null;
  private retry: number | undefined;
  private retryMs = FirstRetryMs;
  private closed = false;

  constructor(private readonly token: string) {
    super();
  }

  get isOnline(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  open(): void {
    const address = new URL('/api/v1/ws', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';

    // The token goes as a subprotocol: an address may end up in logs.
    const socket = new WebSocket(address, ['bearer', this.token]);
    this.socket = socket;
    let wasOpen = false;
    socket.addEventListener('open', () => {
      wasOpen = true;
      this.retryMs = FirstRetryMs;
      this.emit('online', true);
    });
    socket.addEventListener('message', (event) => {
      if (!this.closed && typeof event.data === 'string') {
        this.emit('message', JSON.parse(event.data) as ServerMessage);
      }
    });
    socket.addEventListener('close', (event) => {
      if (this.closed) {
        return;
      }
      if (wasOpen) {
        this.emit('online', false);
      }
      if (event.code === TokenExpired) {
        this.close();
        this.emit('expired', undefined);
        return;
      }
      this.retry = window.setTimeout(() => this.open(), this.retryMs);
      this.retryMs = Math.min(2 * this.retryMs, LastRetryMs);
    });
  }

  /** Sends; false when there is no connection. */
  send(type: string, data: Record<string, unknown>): boolean {
    if (!this.isOnline) {
      return false;
    }
    this.socket?.send(JSON.stringify({ type, data }));
    return true;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close();
  }
}
