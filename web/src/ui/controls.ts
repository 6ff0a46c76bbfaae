import { element } from './dom';
import { icon, type IconName } from './icons';

/** A button with picture and words, as in the bar of a room or a call. */
export function control(key?: string): HTMLButtonElement {
  return element('button', {
    type: 'button', className: 'control',
    attributes: key ? { 'aria-keyshortcuts': key, 'title': `Key ${key}` } : {},
  });
}

/** Gives a control its picture and words, only when they change. */
export function dress(button: HTMLButtonElement, name: IconName, label: string): void {
  if (button.dataset['label'] !== label) {
    button.dataset['label'] = label;
    button.replaceChildren(icon(name), element('span', {}, label));
  }
}
