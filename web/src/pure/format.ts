// Numbers and times as the page shows them.
// Exact decimals stay text from the server to the screen: grouping and padding move characters, never digits.

const GROUP = '\u202f'; // A narrow space groups thousands without looking like a decimal mark, and no line breaks at it.
const MINUS = '\u2212';
export const ABSENT = '–';

/** How many decimals an exact decimal carries. */
export function decimalsOf(text: string): number {
  const dot = text.indexOf('.');
  return dot < 0 ? 0 : text.length - dot - 1;
}

/** An exact decimal with grouped thousands and at least `decimals` decimals; no digit is dropped. */
export function exact(text: string | null, decimals = 0): string {
  if (text === null) return ABSENT;
  const negative = text.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const padded = fraction.padEnd(decimals, '0');
  const grouped = groupThousands(whole);
  return (negative ? MINUS : '') + (padded === '' ? grouped : `${grouped}.${padded}`);
}

function groupThousands(digits: string): string {
  if (digits.length < 5) return digits;
  return digits.replace(/\B(?=(\d{3})+$)/g, GROUP);
}

/** A float with a fixed number of decimals and grouped thousands. */
export function fixed(value: number | null, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return ABSENT;
  const text = Math.abs(value).toFixed(decimals);
  const negative = value < 0 && Number(text) !== 0;
  return (negative ? MINUS : '') + exact(text, decimals);
}

/** Significant digits that a float surely holds; digits after them would be made up. */
const FLOAT_DIGITS = 15;

/** A mean of prices: `decimals` decimals, or as many as its float can tell. */
export function mean(value: number | null, decimals: number): string {
  if (value === null) return ABSENT;
  const whole = Math.trunc(Math.abs(value)).toString().length;
  return fixed(value, Math.max(0, Math.min(decimals, FLOAT_DIGITS - whole)));
}

/** A float as `fixed` writes it, with a sign in front of both directions, for changes. */
export function signed(value: number | null, decimals: number): string {
  if (value === null || !Number.isFinite(value)) return ABSENT;
  const text = fixed(value, decimals);
  return value > 0 && Number(value.toFixed(decimals)) !== 0 ? `+${text}` : text;
}

const SCALES: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A count or volume in few characters: `987`, `12.3k`, `4.56M`. The exact text belongs in a tooltip. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return ABSENT;
  const size = Math.abs(value);
  if (size < 10_000) return Number.isInteger(value) ? exact(String(value)) : trimFloat(value);
  for (const [scale, suffix] of SCALES) {
    if (size >= scale) return threeDigits(value / scale) + suffix;
  }
  return String(value);
}

const threeDigits = (value: number): string =>
  value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

function trimFloat(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size === 0 ? '0' : Number(value.toPrecision(3)).toString();
}

/** A float for a legend: enough digits to compare, no noise. */
export function general(value: number | null, digits = 6): string {
  if (value === null || !Number.isFinite(value)) return ABSENT;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-6 || size >= 1e9) return value.toExponential(3).replace('-', MINUS);
  return Number(value.toPrecision(digits)).toString().replace('-', MINUS);
}

/** Coverage in percent, rounded down: only a whole window may say 100 %. */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return ABSENT;
  const floored = Math.floor(share * 1000 + 1e-9) / 10;
  return `${floored >= 100 || floored === Math.trunc(floored) ? floored.toFixed(0) : floored.toFixed(1)} %`;
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : threeDigits(value)} ${units[unit]}`;
}

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');

/** Time of day in the reader's zone, `14:03:05`. */
export function clock(ms: number): string {
  const at = new Date(ms);
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** Date and time in the reader's zone, `2026-03-01 14:03:05`. */
export function moment(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock(ms)}`;
}

/** The time of day when `ms` is near `nowMs`, else with its date. */
export function clockNear(ms: number, nowMs: number): string {
  return Math.abs(nowMs - ms) < 18 * 3_600_000 ? clock(ms) : moment(ms);
}
