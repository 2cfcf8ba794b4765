// Durations as the command line writes them (`60s`, `5m`, `1h`), in milliseconds inside the page.

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Shorter windows are named by their seconds: `60s`, `90s`. */
const NAMED_BY_SECONDS_MS = 120_000;

/** The milliseconds of `60s`, `5m`, `1h30m`; null when the text is no duration. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(trimmed)) return null;
  let total = 0;
  for (const [, amount, , unit] of trimmed.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS[unit ?? 's'] ?? 0);
  }
  return total > 0 ? total : null;
}

/** The shortest exact text for a duration the server reads: `1h`, `90s`, `250ms`. */
export function durationText(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const size = UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

/** A window's length as its name: `60s` stays as it is, `300s` is the `5m` that was asked for. */
export function windowName(text: string): string {
  const ms = parseDuration(text);
  return ms === null || ms < NAMED_BY_SECONDS_MS ? text : durationText(ms);
}

/** Durations in free text, `60s, 5m`, as the list of words; empty words are dropped. */
export function splitList(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '');
}

/** How long something lasted, for people: `4 s`, `2 min 5 s`, `3 h 10 min`. */
export function humanDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}
