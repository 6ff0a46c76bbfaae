import { Emitter } from '../room/emitter';

const FirstRetryMs = 500;
const LastRetryMs = 8000;

/** A close code of the server: the token has ended. */
const TokenExpired = 4401;

/** What happened in a chat or a call session (docs/protocols/peers.md). */
export interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly data?: unknown;
}

export interface NotificationEvents {
  /** Nothing is missed from here on; what came before must be read. */
  ready: undefined;
  told: Told;
}

/** The WebSocket that tells a user what is new. It comes back by itself until it is closed. */
export class Notifications extends Emitter<NotificationEvents> {
  private socket: WebSocket | null = null;
  private retry: number | undefined;
  private retryMs = FirstRetryMs;
  private closed = false;

  /**
   * @param token of who is signed in, or null
   * @param user who listens, for servers that take that without a token
   */
  constructor(private readonly token: string | null, private readonly user: string) {
    super();
  }

  open(): void {
    const address = new URL('/chat/notifications', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    if (!this.token) {
      address.searchParams.set('userID', this.user);
    }

    // The token goes as a subprotocol: an address may end up in logs.
    const socket = new WebSocket(address, this.token ? ['bearer', this.token] : []);
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => this.take(JSON.parse(String(data)) as Partial<Told>));
    socket.addEventListener('close', ({ code }) => {
      if (!this.closed && code !== TokenExpired) {
        this.retry = window.setTimeout(() => this.open(), this.retryMs);
        this.retryMs = Math.min(LastRetryMs, this.retryMs * 2);
      }
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close();
  }

  private take({ type, sessionId, data }: Partial<Told>): void {
    if (type === 'ready') {
      this.retryMs = FirstRetryMs;
      this.emit('ready', undefined);
    } else if (type && sessionId) {
      this.emit('told', { type, sessionId, data });
    }
  }
}
