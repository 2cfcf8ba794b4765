// Building elements. Text goes in as text and nowhere else: no markup is ever parsed,
// so a symbol named like a tag stays a name.

type Child = Node | string | null;

export interface Props {
  class?: string;
  text?: string;
  title?: string;
  attrs?: Record<string, string>;
  on?: Partial<{ [K in keyof HTMLElementEventMap]: (event: HTMLElementEventMap[K]) => void }>;
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (props.class !== undefined) node.className = props.class;
  if (props.text !== undefined) node.textContent = props.text;
  if (props.title !== undefined) node.title = props.title;
  for (const [name, value] of Object.entries(props.attrs ?? {})) node.setAttribute(name, value);
  for (const [name, listener] of Object.entries(props.on ?? {})) {
    node.addEventListener(name, listener as EventListener);
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

export function button(label: string, onClick: () => void, props: Props = {}): HTMLButtonElement {
  const node = el('button', { ...props, text: props.text ?? label, attrs: { type: 'button', ...props.attrs } });
  if (props.text !== undefined) node.setAttribute('aria-label', label);
  node.addEventListener('click', onClick);
  return node;
}

/** Sets text only when it differs, and in the text node that is there: neither layout nor a new node for nothing. */
export function setText(node: HTMLElement, text: string): void {
  const first = node.firstChild;
  if (!(first instanceof Text)) {
    if (text !== '') node.textContent = text;
  } else if (first.data !== text) {
    first.data = text;
  }
}

export function setTitle(node: HTMLElement, title: string): void {
  if (node.title !== title) node.title = title;
}

export function setClass(node: HTMLElement, className: string): void {
  if (node.className !== className) node.className = className;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A 16×16 line icon from path data. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

/** Whether typing goes into a field just now, so that shortcuts must keep quiet. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select') !== null;
}
