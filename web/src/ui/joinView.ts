import { element, setText } from './dom';

export interface JoinWish {
  readonly room: string;
  readonly name: string;
}

/** Which room, under which name. */
export class JoinView {
  readonly root: HTMLFormElement;
  private readonly room = element('input', {
    id: 'room', name: 'room', required: true, maxLength: 128, autocomplete: 'off', placeholder: 'team-standup',
    attributes: { 'autocapitalize': 'none', 'spellcheck': 'false' },
  });

  private readonly name = element('input', {
    id: 'name', name: 'name', required: true, maxLength: 64, placeholder: 'Ada',
    attributes: { autocomplete: 'nickname' },
  });

  private readonly submit = element('button', { type: 'submit', className: 'primary' }, 'Join');
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });

  constructor(onJoin: (wish: JoinWish) => void) {
    this.root = element('form', { className: 'card', attributes: { 'aria-labelledby': 'join-title' } },
      element('h1', { id: 'join-title', tabIndex: -1 }, 'Join a room'),
      element('p', { className: 'lead' }, 'Anyone who enters the same room name hears you. No account needed.'),
      this.problem,
      element('label', { htmlFor: 'room' }, 'Room'),
      this.room,
      element('label', { htmlFor: 'name' }, 'Your name'),
      this.name,
      this.submit,
      element('p', { className: 'hint' }, 'Your browser will ask for the microphone. The camera stays off until you switch it on.'));
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      const wish = { room: this.room.value.trim(), name: this.name.value.trim() };
      if (!wish.room) {
        this.refuse(this.room, 'Enter a room name.');
      } else if (!wish.name) {
        this.refuse(this.name, 'Enter your name.');
      } else {
        this.showProblem(null);
        onJoin(wish);
      }
    });
  }

  fill(room: string, name: string): void {
    this.room.value = room;
    this.name.value = name;
  }

  /** Suggests a name where none is. */
  fillName(name: string): void {
    this.name.value ||= name;
  }

  /** Focuses the first thing that is still to be filled in, or the button. */
  focus(): void {
    const missing = [this.room, this.name].find((input) => input.value === '');
    (missing ?? this.submit).focus();
  }

  showProblem(message: string | null): void {
    this.problem.hidden = message === null;
    setText(this.problem, message ?? '');
  }

  private refuse(input: HTMLInputElement, message: string): void {
    this.showProblem(message);
    input.focus();
  }
}
