// Where the axes have their marks and what stands at them: round times of the reader's clock,
// and as many decimals as the distance between two prices needs.

import type uPlot from 'uplot';

export const decimalsFor = (increment: number): number =>
  Math.max(0, Math.min(10, Math.ceil(-Math.log10(increment) - 1e-9)));

export const axisWidth = (values: string[] | null): number =>
  Math.max(58, 18 + Math.max(0, ...(values ?? []).map((text) => text.length)) * 6.6);

const DAY_MS = 86_400_000;
/** A label nearer to the left edge than this would be cut. */
const LABEL_HALF_PX = 20;

/** Round times of the reader's clock: multiples of the increment since local midnight, or midnights. */
export function timeSplits(lowMs: number, highMs: number, incrementMs: number): number[] {
  const splits: number[] = [];
  const midnight = new Date(lowMs);
  midnight.setHours(0, 0, 0, 0);
  if (incrementMs < DAY_MS) {
    const first = midnight.getTime() + Math.ceil((lowMs - midnight.getTime()) / incrementMs) * incrementMs;
    for (let at = first; at <= highMs; at += incrementMs) splits.push(at);
    return splits;
  }
  for (; midnight.getTime() <= highMs; midnight.setDate(midnight.getDate() + Math.round(incrementMs / DAY_MS))) {
    if (midnight.getTime() >= lowMs) splits.push(midnight.getTime());
  }
  return splits;
}

export function timeLabels(u: uPlot, splits: number[], _axis: number, _space: number, increment: number): string[] {
  let lastDay = '';
  const two = (n: number): string => String(n).padStart(2, '0');
  return splits.map((ms) => {
    const at = new Date(ms);
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    const time =
      `${two(at.getHours())}:${two(at.getMinutes())}` + (increment < 60_000 ? `:${two(at.getSeconds())}` : '');
    const first = lastDay === '';
    const newDay = day !== lastDay;
    lastDay = day;
    if (u.valToPos(ms, 'x') < LABEL_HALF_PX) return '';
    if (increment >= DAY_MS) return day;
    return newDay && !first ? `${day.slice(5)}` : time;
  });
}
