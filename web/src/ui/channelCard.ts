import type { Channel, Channels } from '../channels/channels';
import { element, setText } from './dom';

/** The voice channels of the server: join one, or make one. */
export class ChannelCard {
  readonly root: HTMLElement;
  private readonly list = element('ul', { className: 'channels', attributes: { 'aria-label': 'Voice channels' } });
  private readonly empty = element('p', { className: 'hint', attributes: { role: 'status' } }, 'Reading the channels…');
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });
  private readonly name = element('input', { id: 'channel', name: 'channel', required: true, maxLength: 100, placeholder: 'general', autocomplete: 'off' });

  constructor(private readonly channels: Channels, private readonly onJoin: (channel: Channel) => void) {
    const create = element('button', { type: 'submit' }, 'Create channel');
    const form = element('form', { className: 'inline' },
      element('label', { htmlFor: 'channel' }, 'New channel'),
      element('div', { className: 'row' }, this.name, create));
    const refresh = element('button', { type: 'button', className: 'control quiet' }, 'Refresh channels');
    this.root = element('section', { className: 'card', attributes: { 'aria-labelledby': 'channels-title' } },
      element('div', { className: 'card-head' }, element('h2', { id: 'channels-title' }, 'Voice channels'), refresh),
      this.problem, this.list, this.empty, form);
    refresh.addEventListener('click', () => void this.load());
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = this.name.value.trim();
      if (name) {
        void this.create(name);
      }
    });
  }

  async load(): Promise<void> {
    try {
      this.render(await this.channels.list());
    } catch (error) {
      this.showProblem(error);
    }
  }

  private async create(name: string): Promise<void> {
    try {
      const created = await this.channels.create(name);
      this.name.value = '';
      await this.load();
      this.list.querySelector<HTMLButtonElement>(`[data-channel="${CSS.escape(created.id)}"]`)?.focus();
    } catch (error) {
      this.showProblem(error);
    }
  }

  private render(channels: Channel[]): void {
    this.problem.hidden = true;
    const sorted = [...channels].sort((a, b) => a.name.localeCompare(b.name));
    this.list.replaceChildren(...sorted.map((channel) => {
      const join = element('button', { type: 'button', data: { channel: channel.id }, attributes: { 'aria-label': `Join ${channel.name}` } }, 'Join');
      join.addEventListener('click', () => this.onJoin(channel));
      return element('li', {}, element('span', { className: 'name' }, channel.name), join);
    }));
    this.list.hidden = sorted.length === 0;
    setText(this.empty, sorted.length === 0 ? 'There are none yet.' : '');
  }

  private showProblem(error: unknown): void {
    setText(this.empty, '');
    this.problem.hidden = false;
    setText(this.problem, error instanceof Error ? error.message : String(error));
  }
}
