type Child = Node | string | null | undefined;
type Properties<Tag extends keyof HTMLElementTagNameMap> =
  Partial<Omit<HTMLElementTagNameMap[Tag], 'style' | 'dataset' | 'children' | 'attributes'>>
  & { attributes?: Record<string, string>; data?: Record<string, string> };

/** Creates an element with properties, attributes and children. Text is always text, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, properties: Properties<Tag> = {}, ...children: Child[]): HTMLElementTagNameMap[Tag] {
  const { attributes, data, ...rest } = properties;
  const created = document.createElement(tag);
  Object.assign(created, rest);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    created.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(data ?? {})) {
    created.dataset[name] = value;
  }
  created.append(...children.filter((child): child is Node | string => child !== null && child !== undefined));
  return created;
}

/** Sets text only when it differs, so that screen readers and selections are left in peace. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}
