import type { CallClient } from '../calls/callClient';
import { element, setText } from './dom';

/** Whom to call; and whether one can be called oneself. */
export class CallCard {
  readonly root: HTMLFormElement;
  private readonly name = element('input', {
    id: 'callee', name: 'callee', required: true, maxLength: 64, placeholder: 'bob',
    attributes: { 'autocomplete': 'off', 'autocapitalize': 'none', 'spellcheck': 'false' },
  });

  private readonly submit = element('button', { type: 'submit', className: 'primary' }, 'Call');
  private readonly reach = element('p', { className: 'hint', attributes: { role: 'status' } });
  private readonly outcome = element('p', { className: 'outcome', hidden: true, attributes: { role: 'status' } });

  constructor(private readonly calls: CallClient) {
    this.root = element('form', { className: 'card', attributes: { 'aria-labelledby': 'call-title' } },
      element('h2', { id: 'call-title' }, 'Call someone'),
      this.outcome,
      element('label', { htmlFor: 'callee' }, 'Username to call'),
      this.name,
      this.submit,
      this.reach);
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      const name = this.name.value.trim();
      if (name) {
        void calls.start(name);
      }
    });
    this.showReach();
  }

  /** How the last call ended. */
  showOutcome(text: string | null): void {
    this.outcome.hidden = text === null;
    setText(this.outcome, text ?? '');
  }

  showReach(): void {
    const online = this.calls.isOnline;
    this.submit.disabled = !online;
    setText(this.reach, online ? 'Others can call you while this page is open.' : 'Connecting to the server…');
  }

  fill(name: string): void {
    this.name.value = name;
  }

  focus(): void {
    this.name.focus();
  }
}
