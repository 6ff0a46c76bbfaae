import type { Chats, Message } from '../chats/chats';
import { element, setText } from './dom';

const Thumb = '👍';

/** Chats: begin one, read it, write, react. */
export class ChatCard {
  readonly root: HTMLElement;
  private readonly list = element('ul', { className: 'chats', attributes: { 'aria-label': 'Chats' } });
  private readonly log = element('ol', { className: 'messages', hidden: true, attributes: { 'aria-label': 'Messages', 'aria-live': 'polite' } });
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });
  private readonly name = element('input', {
    id: 'chat-with', name: 'chat-with', required: true, maxLength: 64, placeholder: 'bob',
    attributes: { 'autocomplete': 'off', 'autocapitalize': 'none', 'spellcheck': 'false' },
  });

  private readonly text = element('input', { id: 'chat-text', name: 'chat-text', required: true, maxLength: 16_384, autocomplete: 'off' });
  private readonly write = element('form', { className: 'inline', hidden: true },
    element('label', { htmlFor: 'chat-text' }, 'Message'),
    element('div', { className: 'row' }, this.text, element('button', { type: 'submit' }, 'Send')));

  private chat: string | null = null;

  constructor(private readonly chats: Chats) {
    const start = element('form', { className: 'inline' },
      element('label', { htmlFor: 'chat-with' }, 'Username to chat with'),
      element('div', { className: 'row' }, this.name, element('button', { type: 'submit' }, 'Chat')));
    this.root = element('section', { className: 'card', attributes: { 'aria-labelledby': 'chats-title' } },
      element('h2', { id: 'chats-title' }, 'Chats'), this.problem, this.list, this.log, this.write, start);
    start.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = this.name.value.trim();
      if (name) {
        void this.attempt(async () => {
          const chat = await chats.start(name);
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
    chats.on('change', (chat) => {
      this.renderList();
      if (chat === this.chat) {
        void this.attempt(() => this.load());
      }
    });
  }

  private show(chat: string): void {
    this.chat = chat;
    this.log.hidden = this.write.hidden = false;
    this.renderList();
    void this.attempt(() => this.load());
    this.text.focus();
  }

  private async load(): Promise<void> {
    const chat = this.chat;
    if (chat) {
      const messages = await this.chats.messages(chat);
      if (chat === this.chat) {
        this.log.replaceChildren(...messages.map((message) => this.line(chat, message)));
        this.log.scrollTop = this.log.scrollHeight;
      }
    }
  }

  private line(chat: string, message: Message): HTMLElement {
    const mine = message.reactions.some((reaction) => reaction.type === Thumb && reaction.userId === this.chats.username);
    const count = message.reactions.filter((reaction) => reaction.type === Thumb).length;
    const react = element('button', {
      type: 'button', className: 'reaction', attributes: { 'aria-pressed': String(mine), 'aria-label': `Like: ${message.message}` },
    }, count > 0 ? `${Thumb} ${count}` : Thumb);
    react.addEventListener('click', () => void this.attempt(() => this.chats.react(chat, message, Thumb)));
    return element('li', {},
      element('span', { className: 'sender' }, message.senderId), element('span', { className: 'text' }, message.message), react);
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
