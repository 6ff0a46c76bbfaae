import { element, setText } from '../src/ui/dom';
import type { OpenApi } from './openapi';
import { operationView } from './views';

const Source = '/openapi/v1.json';

/** Shows the server's own description of its routes. */
async function show(main: HTMLElement): Promise<void> {
  let document_: OpenApi;
  try {
    const answer = await fetch(Source);
    if (!answer.ok) {
      throw new Error(`the server answered ${answer.status}`);
    }
    document_ = await answer.json() as OpenApi;
  } catch (error) {
    main.replaceChildren(element('p', { className: 'card problem', attributes: { role: 'alert' } },
      `The document cannot be read: ${error instanceof Error ? error.message : String(error)}`));
    return;
  }

  const operations = Object.entries(document_.paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));
  const sections = (document_.tags ?? []).map((tag) => element('section', { id: slug(tag.name), attributes: { 'aria-labelledby': `${slug(tag.name)}-title` } },
    element('h2', { id: `${slug(tag.name)}-title` }, tag.name),
    element('p', { className: 'lead' }, tag.description ?? ''),
    ...operations.filter((o) => o.operation.tags.includes(tag.name)).map((o) => operationView(document_, o.method, o.path, o.operation))));

  const found = element('p', { className: 'hint', attributes: { role: 'status' } });
  const filter = element('input', { id: 'filter', type: 'search', placeholder: 'calls, POST, token …', autocomplete: 'off' });
  filter.addEventListener('input', () => setText(found, narrow(sections, filter.value.trim().toLowerCase())));
  main.replaceChildren(
    element('div', { className: 'docs' },
      element('h1', {}, `${document_.info.title} API ${document_.info.version}`),
      element('p', { className: 'lead' }, document_.info.description ?? '', ' ',
        element('a', { href: Source }, 'The document as JSON'), '.'),
      element('nav', { attributes: { 'aria-label': 'Doors' } },
        element('ul', {}, ...sections.map((section) => element('li', {},
          element('a', { href: `#${section.id}` }, section.querySelector('h2')?.textContent ?? ''))))),
      element('label', { htmlFor: 'filter' }, 'Find an operation'),
      filter,
      found,
      ...sections));
  openTarget();
  window.addEventListener('hashchange', openTarget);
}

/** Hides what does not hold every word; says what is left. */
function narrow(sections: HTMLElement[], text: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  let count = 0;
  for (const section of sections) {
    let some = false;
    for (const item of section.querySelectorAll<HTMLElement>(':scope > details')) {
      item.hidden = !words.every((word) => item.dataset['text']?.includes(word));
      some ||= !item.hidden;
      count += item.hidden ? 0 : 1;
    }
    section.hidden = !some;
  }
  return words.length === 0 ? '' : `${count} ${count === 1 ? 'operation' : 'operations'}`;
}

/** A link to an operation opens it. */
function openTarget(): void {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

function slug(name: string): string {
  return `door-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
}

const main = document.getElementById('main');
if (main) {
  void show(main);
}
