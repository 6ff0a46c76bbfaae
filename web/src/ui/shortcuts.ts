/** Single-letter keys for the room; silent while someone types or a dialog is open. */
export class Shortcuts {
  private readonly actions = new Map<string, () => void>();

  constructor() {
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Replaces all keys; an empty map switches them off. */
  use(actions: Record<string, () => void>): void {
    this.actions.clear();
    for (const [key, action] of Object.entries(actions)) {
      this.actions.set(key, action);
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) {
      return;
    }
    const target = event.target as HTMLElement | null;
    if (target?.closest('input, select, textarea, dialog, [contenteditable]')) {
      return;
    }
    const action = this.actions.get(event.key.toLowerCase());
    if (action) {
      event.preventDefault();
      action();
    }
  }
}
