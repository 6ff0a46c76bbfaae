import type { Api } from '../account/api';
import type { Session } from '../account/account';
import { Emitter } from '../room/emitter';

const FirstRetryMs = 500;
const LastRetryMs = 8000;

/** A close code of the server: the token has ended. */
const TokenExpired = 4401;

/** A reaction to a message. */
export interface Reaction {
  type: string;
  userId: string;
}

/** A message (docs/protocols/peers.md). Positions count from 1 in the one order of the chat. */
export interface Message {
  id: string;
  position: number;
  senderId: string;
  message: string;
  reactions: Reaction[];
}

/** A chat that the page knows of. */
export interface Chat {
  id: string;
  participants: string[];
}

interface Envelope<Data> {
  data: Data;
}

interface Told {
  type: string;
  sessionId?: string;
  data?: Chat;
}

export interface ChatEvents {
  /** A chat is new, or something in it is: look at it again. */
  change: string;
}

/** The user's chats, over REST, and the WebSocket that tells when there is something new. It comes back by itself until it is closed. */
export class Chats extends Emitter<ChatEvents> {
  readonly known = new Map<string, Chat>();
  private socket: WebSocket | null = null;
  private retry: number | undefined;
  private retryMs = FirstRetryMs;
  private closed = false;

  constructor(private readonly api: Api, private readonly session: Session) {
    super();
  }

  get username(): string {
    return this.session.username;
  }

  open(): void {
    const address = new URL('/chat/notifications', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';

    // The token goes as a subprotocol: an address may end up in logs.
    const socket = new WebSocket(address, ['bearer', this.session.token]);
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => this.take(JSON.parse(String(data)) as Told));
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

  /** Makes a chat with somebody. */
  async start(username: string): Promise<Chat> {
    const { data } = await this.api.request<Envelope<Chat>>('POST', '/chat/session', {
      creatorId: this.username, participants: [username], isGroup: false,
    });
    this.known.set(data.id, data);
    return data;
  }

  async messages(chat: string): Promise<Message[]> {
    return (await this.api.request<Envelope<Message[]>>('GET', `/chat/messages/${chat}?limit=100`)).data;
  }

  /** Sends a message; the id lets it be sent again without being there twice. */
  async send(chat: string, text: string): Promise<void> {
    await this.api.request('POST', '/chat/message', {
      sessionId: chat, senderId: this.username, message: text, type: 'text', messageId: crypto.randomUUID(),
    });
  }

  /** Reacts, or takes the reaction back. */
  async react(chat: string, message: Message, type: string): Promise<void> {
    const mine = message.reactions.some((reaction) => reaction.type === type && reaction.userId === this.username);
    await this.api.request(mine ? 'DELETE' : 'POST', '/chat/reaction', {
      sessionId: chat, messageId: message.id, reaction: { type, userId: this.username },
    });
  }

  private take(told: Told): void {
    if (told.type === 'ready') {
      this.retryMs = FirstRetryMs;

      // What came while nobody listened.
      [...this.known.keys()].forEach((chat) => this.emit('change', chat));
    } else if (told.sessionId?.startsWith('sess_')) {
      if (told.type === 'session' && told.data) {
        this.known.set(told.sessionId, told.data);
      }
      this.emit('change', told.sessionId);
    }
  }
}
