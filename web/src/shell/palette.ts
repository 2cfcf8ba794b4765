// The theme's colours for canvases, read from the style sheet so that they are named once.

const NAMES = [
  'bg',
  'panel',
  'line',
  'grid',
  'text',
  'dim',
  'faint',
  'accent',
  'vwap',
  'band',
  'volume',
  'up',
  'down',
  'gap',
  'gap-fill',
  'warming',
  'warming-fill',
  'stale',
  'stale-fill',
  'provisional-fill',
  'tag-text',
] as const;

export type ColourName = (typeof NAMES)[number];
export type Palette = Record<ColourName, string>;

let cached: Palette | null = null;

export function palette(): Palette {
  cached ??= read();
  return cached;
}

export function forgetPalette(): void {
  cached = null;
}

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette;
}
