import { element, setText } from './dom';

/** Sign-in by name, for servers that give tokens for trying. */
export class SignInCard {
  readonly root: HTMLFormElement;
  private readonly username = element('input', {
    id: 'username', name: 'username', required: true, maxLength: 64, placeholder: 'ada',
    attributes: { 'autocomplete': 'username', 'autocapitalize': 'none', 'spellcheck': 'false' },
  });

  private readonly submit = element('button', { type: 'submit', className: 'primary' }, 'Sign in');
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });

  constructor(onSignIn: (username: string) => Promise<void>) {
    this.root = element('form', { className: 'card', attributes: { 'aria-labelledby': 'sign-in-title' } },
      element('h2', { id: 'sign-in-title' }, 'Sign in'),
      element('p', { className: 'lead' }, 'To call people, to be called, and to see voice channels.'),
      this.problem,
      element('label', { htmlFor: 'username' }, 'Username'),
      this.username,
      this.submit,
      element('p', { className: 'hint' }, 'A server for trying things out takes any name. The same name is always the same person.'));
    this.root.addEventListener('submit', (event) => {
      event.preventDefault();
      const username = this.username.value.trim();
      if (!username) {
        this.showProblem('Enter a username.');
        this.username.focus();
        return;
      }
      this.submit.disabled = true;
      this.showProblem(null);
      onSignIn(username)
        .catch((error: unknown) => {
          this.showProblem(error instanceof Error ? error.message : String(error));
          this.username.focus();
        })
        .finally(() => {
          this.submit.disabled = false;
        });
    });
  }

  showProblem(message: string | null): void {
    this.problem.hidden = message === null;
    setText(this.problem, message ?? '');
  }

  focus(): void {
    this.username.focus();
  }
}

/** In the page's header: who is signed in, and the way out. */
export class AccountBadge {
  readonly root = element('div', { className: 'account', hidden: true });
  private readonly name = element('span', { className: 'account-name' });

  constructor(onSignOut: () => void) {
    const out = element('button', { type: 'button', className: 'control quiet' }, 'Sign out');
    out.addEventListener('click', onSignOut);
    this.root.append(this.name, out);
  }

  show(username: string | null): void {
    this.root.hidden = username === null;
    setText(this.name, username ? `Signed in as ${username}` : '');
  }
}
