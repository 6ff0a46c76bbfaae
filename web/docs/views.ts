import { element } from '../src/ui/dom';
import { curlOf, resolve, typeOf, type Content, type OpenApi, type Operation, type Schema } from './openapi';

/** Schemas within schemas are shown so deep; none of the server's is deeper. */
const MaxDepth = 5;

/** One operation: closed it says what it is, open it says everything. */
export function operationView(document: OpenApi, method: string, path: string, operation: Operation): HTMLDetailsElement {
  const heading = element('summary', {},
    element('span', { className: `method method-${method}` }, method.toUpperCase()),
    element('code', { className: 'path' }, path),
    element('span', { className: 'what' }, operation.summary));
  const body = element('div', { className: 'operation' },
    operation.description ? element('p', {}, operation.description) : null,
    element('p', { className: 'security' }, securityOf(operation)),
    ...parametersView(document, operation),
    ...requestView(document, operation),
    element('h4', {}, 'Answers'),
    ...Object.entries(operation.responses).map(([status, response]) => responseView(document, status, response)),
    element('h4', {}, 'Try it in a shell'),
    sample(curlOf(method, path, operation), `Command for ${operation.summary}`));
  return element('details', { id: operation.operationId, className: 'card', data: { text: `${method} ${path} ${operation.summary}`.toLowerCase() } }, heading, body);
}

function securityOf(operation: Operation): string {
  const ways = operation.security ?? [];
  if (ways.length === 0) {
    return 'Needs no token.';
  }
  return ways.some((way) => Object.keys(way).length === 0) ? 'Needs a token, but in Open mode.' : 'Needs a token.';
}

function parametersView(document: OpenApi, operation: Operation): Node[] {
  if (!operation.parameters?.length) {
    return [];
  }
  const rows = operation.parameters.map((parameter) => element('tr', {},
    element('th', { scope: 'row' }, element('code', {}, parameter.name)),
    element('td', {}, `${parameter.in}${parameter.required ? '' : ', optional'}`),
    element('td', {}, typeOf(document, parameter.schema)),
    element('td', {}, parameter.description ?? '')));
  return [
    element('h4', {}, 'Parameters'),
    scrolling('Parameters', element('table', {},
      element('thead', {}, element('tr', {}, ...['Name', 'In', 'Type', 'Meaning'].map((name) => element('th', { scope: 'col' }, name)))),
      element('tbody', {}, ...rows))),
  ];
}

function requestView(document: OpenApi, operation: Operation): Node[] {
  return Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, content]) => [
    element('h4', {}, 'Body', element('span', { className: 'type' }, ` ${type}`)),
    ...contentView(document, content, `Body of ${operation.summary}`),
  ]);
}

function responseView(document: OpenApi, status: string, response: Operation['responses'][string]): HTMLElement {
  const headers = Object.entries(response.headers ?? {}).map(([name, header]) => `Header ${name}: ${header.description ?? ''}`);
  return element('details', { className: `answer answer-${status[0]}` },
    element('summary', {}, element('strong', {}, status), ` ${response.description}`),
    ...headers.map((text) => element('p', {}, text)),
    ...Object.entries(response.content ?? {}).flatMap(([type, content]) => [
      element('p', { className: 'type' }, type), ...contentView(document, content, `Answer ${status}`)]));
}

function contentView(document: OpenApi, content: Content, label: string): Node[] {
  const examples = Object.entries(content.examples ?? {}).map(([name, example]) => element('div', {},
    example.summary || name !== 'default' ? element('p', {}, element('code', {}, name), example.summary ? `: ${example.summary}` : '') : null,
    sample(typeof example.value === 'string' ? example.value : JSON.stringify(example.value, null, 2), `Example: ${label}`)));
  const members = membersView(document, content.schema, 0);
  return [...examples, ...members ? [element('details', {}, element('summary', {}, 'Members'), members)] : []];
}

/** The members of an object, and of the objects in them. */
function membersView(document: OpenApi, schema: Schema, depth: number): HTMLElement | null {
  const found = resolve(document, schema);
  if (found.items) {
    return membersView(document, found.items, depth);
  }
  if (!found.properties || depth > MaxDepth) {
    return null;
  }
  return element('ul', { className: 'members' }, ...Object.entries(found.properties).map(([name, member]) => {
    const values = resolve(document, member).enum?.map(String).join(', ');
    return element('li', {},
      element('code', {}, name),
      ` ${typeOf(document, member)}`,
      found.required?.includes(name) ? null : element('span', { className: 'type' }, ', optional'),
      values ? `: ${values}` : null,
      member.description ? element('span', { className: 'type' }, ` – ${member.description}`) : null,
      membersView(document, member, depth + 1));
  }));
}

/** Text to copy. It can be scrolled by keyboard, so it takes the focus and has a name. */
function sample(text: string, label: string): HTMLElement {
  return element('pre', { tabIndex: 0, attributes: { 'role': 'region', 'aria-label': label } }, element('code', {}, text));
}

function scrolling(label: string, content: HTMLElement): HTMLElement {
  return element('div', { className: 'scrolling', tabIndex: 0, attributes: { 'role': 'region', 'aria-label': label } }, content);
}
