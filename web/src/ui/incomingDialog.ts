import type { IncomingCall } from '../calls/callClient';
import { element, setText } from './dom';

/** Somebody rings. It stands over everything until it is answered, or rings no more. */
export class IncomingDialog {
  readonly root: HTMLDialogElement;
  private readonly title = element('h2', { id: 'incoming-title' });
  private readonly hint = element('p', { className: 'lead', id: 'incoming-hint' });
  private readonly accept = element('button', { type: 'button', className: 'primary' }, 'Accept');
  private before: Element | null = null;

  constructor(onAccept: () => void, onDecline: () => void) {
    const decline = element('button', { type: 'button', className: 'danger' }, 'Decline');
    this.root = element('dialog', {
      className: 'card incoming',
      attributes: { 'role': 'alertdialog', 'aria-labelledby': 'incoming-title', 'aria-describedby': 'incoming-hint' },
    }, this.title, this.hint, element('div', { className: 'choices' }, this.accept, decline));
    this.accept.addEventListener('click', onAccept);
    decline.addEventListener('click', onDecline);
    this.root.addEventListener('cancel', (event) => {
      // Escape declines: a dialog that is only hidden would go on ringing.
      event.preventDefault();
      onDecline();
    });
  }

  /** Shows who rings, or goes away. `occupied` says what accepting ends. */
  show(call: IncomingCall | null, occupied: 'room' | 'call' | null): void {
    if (!call) {
      if (this.root.open) {
        this.root.close();
        if (this.before instanceof HTMLElement && this.before.isConnected) {
          this.before.focus();
        }
      }
      return;
    }
    setText(this.title, `${call.name} calls you`);
    setText(this.hint, occupied === 'room' ? 'Accepting leaves the room.' : occupied === 'call' ? 'Accepting ends your call.' : 'Voice call');
    if (!this.root.open) {
      this.before = document.activeElement;
      this.root.showModal();
      this.accept.focus();
    }
  }
}
