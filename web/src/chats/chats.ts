import type { Api } from '../account/api';
import type { Session } from '../account/account';
import { Notifications } from '../account/notifications';
import { Emitter } from '../room/emitter';

/** Messages of one page. */
const PageSize = 100;

/** A reaction to a message. */
export interface Reaction {
  type: string;
  userId: string;
}

/** A file or picture that a message has. */
export interface Attachment {
  id: string;
  url: string;
  name: string | null;
}

/** A message (docs/protocols/peers.md). Positions count from 1 in the one order of the chat. */
export interface Message {
  id: string;
  position: number;
  senderId: string;
  message: string;
  attachments: Attachment[];
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

export interface ChatEvents {
  /** A chat is new, or something in it is: look at it again. */
  change: string;
}

/** The user's chats, over REST, and the notifications that tell when there is something new. */
export class Chats extends Emitter<ChatEvents> {
  readonly known: Map<string, Chat>;
  private readonly notifications: Notifications;
  private readonly memory: string;

  constructor(private readonly api: Api, private readonly session: Session) {
    super();

    // The server lists no chats, so the browser remembers those that it has seen.
    this.memory = `voicecluster.chats.${session.userId}`;
    this.known = new Map((JSON.parse(localStorage.getItem(this.memory) ?? '[]') as Chat[]).map((chat) => [chat.id, chat]));
    this.notifications = new Notifications(session.token, session.username);

    // What came while nobody listened.
    this.notifications.on('ready', () => [...this.known.keys()].forEach((chat) => this.emit('change', chat)));
    this.notifications.on('told', ({ type, sessionId, data }) => {
      if (sessionId.startsWith('sess_')) {
        if (type === 'session' && data) {
          this.know(data as Chat);
        }
        this.emit('change', sessionId);
      }
    });
  }

  get username(): string {
    return this.session.username;
  }

  open(): void {
    this.notifications.open();
  }

  close(): void {
    this.notifications.close();
  }

  /** Makes a chat with somebody, or with several. */
  async start(usernames: string[]): Promise<Chat> {
    const { data } = await this.api.request<Envelope<Chat>>('POST', '/chat/session', {
      creatorId: this.username, participants: usernames, isGroup: usernames.length > 1,
    });
    this.know(data);
    return data;
  }

  /** The newest so many pages, or as many as there are, oldest message first. */
  async messages(chat: string, pages: number): Promise<{ messages: Message[]; hasMore: boolean }> {
    let messages: Message[] = [];
    let hasMore = true;
    for (let page = 0; page < pages && hasMore; page++) {
      const before = messages[0] ? `&before=${messages[0].id}` : '';
      const { data } = await this.api.request<Envelope<Message[]>>('GET', `/chat/messages/${chat}?limit=${PageSize}${before}`);
      messages = [...data, ...messages];
      hasMore = (messages[0]?.position ?? 1) > 1;
    }
    return { messages, hasMore };
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

  private know(chat: Chat): void {
    this.known.set(chat.id, chat);
    const remembered = [...this.known.values()].slice(-50).map(({ id, participants }) => ({ id, participants }));
    localStorage.setItem(this.memory, JSON.stringify(remembered));
  }
}
