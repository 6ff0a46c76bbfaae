import type { Attachment, Chats, Message } from '../chats/chats';
import { element, setText } from './dom';

/** The reactions that are offered, and what a button for each is called. Others, from other clients, are shown as they are. */
const Offered: Readonly<Record<string, string>> = { '👍': 'Like', '❤️': 'Love', '😂': 'Laugh', '🎉': 'Celebrate', '😮': 'Wonder' };

/** Chats: begin one, read it, write, react. */
export class ChatCard {
  readonly root: HTMLElement;
  private readonly list = element('ul', { className: 'chats', attributes: { 'aria-label': 'Chats' } });
  private readonly earlier = element('button', { type: 'button', className: 'control quiet', hidden: true }, 'Earlier messages');
  private readonly log = element('ol', { className: 'messages', hidden: true, attributes: { 'aria-label': 'Messages', 'aria-live': 'polite' } });
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });
  private readonly name = element('input', {
    id: 'chat-with', name: 'chat-with', required: true, maxLength: 512, placeholder: 'bob, carol',
    attributes: { 'autocomplete': 'off', 'autocapitalize': 'none', 'spellcheck': 'false' },
  });

  private readonly text = element('input', { id: 'chat-text', name: 'chat-text', required: true, maxLength: 16_384, autocomplete: 'off' });
  private readonly write = element('form', { className: 'inline', hidden: true },
    element('label', { htmlFor: 'chat-text' }, 'Message'),
    element('div', { className: 'row' }, this.text, element('button', { type: 'submit' }, 'Send')));

  private chat: string | null = null;

  /** How many pages of the log are shown, from the newest back. */
  private pages = 1;

  constructor(private readonly chats: Chats) {
    const start = element('form', { className: 'inline' },
      element('label', { htmlFor: 'chat-with' }, 'Username to chat with'),
      element('div', { className: 'row' }, this.name, element('button', { type: 'submit' }, 'Chat')));
    this.root = element('section', { className: 'card', attributes: { 'aria-labelledby': 'chats-title' } },
      element('h2', { id: 'chats-title' }, 'Chats'), this.problem, this.list, this.earlier, this.log, this.write, start);
    start.addEventListener('submit', (event) => {
      event.preventDefault();
      const names = [...new Set(this.name.value.split(/[\s,]+/).filter(Boolean))];
      if (names.length > 0) {
        void this.attempt(async () => {
          const chat = await chats.start(names);
          this.name.value = '';
          this.show(chat.id);
        });
      }
    });
    this.write.addEventListener('submit', (event) => {
      event.preventDefault();
      const [chat, text] = [this.chat, this.text.value.trim()];
      if (chat && text) {
        void this.attempt(async () => {
          await chats.send(chat, text);
          this.text.value = '';
        });
      }
    });
    this.earlier.addEventListener('click', () => {
      this.pages++;
      void this.attempt(() => this.load(false));
    });
    chats.on('change', (chat) => {
      this.renderList();
      if (chat === this.chat) {
        void this.attempt(() => this.load());
      }
    });
  }

  private show(chat: string): void {
    this.chat = chat;
    this.pages = 1;
    this.log.hidden = this.write.hidden = false;
    this.renderList();
    void this.attempt(() => this.load());
    this.text.focus();
  }

  /** @param toEnd shows the newest message, else the oldest of those that are shown */
  private async load(toEnd = true): Promise<void> {
    const chat = this.chat;
    if (chat) {
      const { messages, hasMore } = await this.chats.messages(chat, this.pages);
      if (chat === this.chat) {
        this.earlier.hidden = !hasMore;
        this.log.replaceChildren(...messages.map((message) => this.line(chat, message)));
        this.log.scrollTop = toEnd ? this.log.scrollHeight : 0;
      }
    }
  }

  private line(chat: string, message: Message): HTMLElement {
    const given = new Set(message.reactions.map((reaction) => reaction.type));
    const more = Object.keys(Offered).filter((type) => !given.has(type) && type !== '👍');
    return element('li', {},
      element('span', { className: 'sender' }, message.senderId),
      element('span', { className: 'text' }, message.message, ...message.attachments.map(attachmentLink)),
      element('span', { className: 'reactions' },
        ...['👍', ...[...given].filter((type) => type !== '👍')].map((type) => this.reaction(chat, message, type)),
        element('details', { className: 'palette' },
          element('summary', { attributes: { 'aria-label': `React to: ${message.message}` } }, '+'),
          ...more.map((type) => this.reaction(chat, message, type)))));
  }

  /** One kind of reaction: how many gave it, who, and whether one did oneself. */
  private reaction(chat: string, message: Message, type: string): HTMLElement {
    const users = message.reactions.filter((reaction) => reaction.type === type).map((reaction) => reaction.userId);
    const button = element('button', {
      type: 'button',
      className: 'reaction',
      title: users.join(', '),
      attributes: { 'aria-pressed': String(users.includes(this.chats.username)), 'aria-label': `${Offered[type] ?? type}: ${message.message}` },
    }, users.length > 0 ? `${type} ${users.length}` : type);
    button.addEventListener('click', () => void this.attempt(() => this.chats.react(chat, message, type)));
    return button;
  }

  private renderList(): void {
    this.list.replaceChildren(...[...this.chats.known.values()].map((chat) => {
      const others = chat.participants.filter((name) => name !== this.chats.username).join(', ');
      const open = element('button', { type: 'button', attributes: chat.id === this.chat ? { 'aria-current': 'true' } : {} }, others);
      open.addEventListener('click', () => this.show(chat.id));
      return element('li', {}, open);
    }));
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem.hidden = true;
    } catch (error) {
      this.problem.hidden = false;
      setText(this.problem, error instanceof Error ? error.message : String(error));
    }
  }
}

function attachmentLink(attachment: Attachment): HTMLElement {
  return element('a', { className: 'attachment', href: attachment.url, target: '_blank', rel: 'noopener noreferrer' }, attachment.name ?? attachment.url);
}
