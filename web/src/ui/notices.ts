import type { Notice } from '../room/roomClient';
import { element } from './dom';

/** A notice of no weight goes by itself after so long; errors stay until they are dismissed or repaired. */
const InfoMs = 6000;

/** Messages over the page. Errors interrupt a screen reader, the rest waits for its turn. */
export class Notices {
  constructor(private readonly region: HTMLElement) {}

  show(notice: Notice): void {
    const same = [...this.region.children].find((child) => child.querySelector('p')?.textContent === notice.text);
    same?.remove();

    const dismiss = element('button', { type: 'button', className: 'notice-close', attributes: { 'aria-label': 'Dismiss' } }, '×');
    const item = element('div', {
      className: `notice notice-${notice.level}`,
      data: { passing: String(notice.passing ?? false) },
      attributes: { role: notice.level === 'error' ? 'alert' : 'status' },
    }, element('p', {}, notice.text), dismiss);
    dismiss.addEventListener('click', () => item.remove());
    this.region.append(item);
    while (this.region.childElementCount > 3) {
      this.region.firstElementChild?.remove();
    }
    if (notice.level !== 'error') {
      setTimeout(() => item.remove(), InfoMs);
    }
  }

  /** Takes away what was said about a connection that now stands. */
  clearPassing(): void {
    for (const item of this.region.querySelectorAll('[data-passing="true"]')) {
      item.remove();
    }
  }

  clear(): void {
    this.region.replaceChildren();
  }
}
