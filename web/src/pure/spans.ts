// Where a line may not be drawn, and what is shaded.
// Invariant: a line never joins two points that are more than 1.5 steps apart, that have an empty window
// between them, or that have a declared gap between them; a point inside a gap is not drawn at all.

import type { Gap, Status } from '../contract';
import { msOf } from '../contract';
import type { Point } from './series';

/** An interval of time; `toMs` is Infinity while it is open. */
export interface Span {
  fromMs: number;
  toMs: number;
}

export interface GapSpan extends Span {
  cause: string;
  open: boolean;
}

export interface StatusSpan extends Span {
  status: Status;
  coverage: number;
}

/** Share of a step that two neighbours may be apart and still count as neighbours. */
export const BREAK_STEPS = 1.5;

/** The gaps of one symbol, oldest first. A gap that names no symbol is everybody's. */
export function gapSpans(gaps: Iterable<Gap>, symbol: string): GapSpan[] {
  const spans: GapSpan[] = [];
  for (const gap of gaps) {
    if (gap.symbols.length > 0 && !gap.symbols.includes(symbol)) continue;
    const toMs = gap.to_ns === null ? Infinity : msOf(gap.to_ns);
    spans.push({ fromMs: msOf(gap.from_ns), toMs, cause: gap.cause, open: gap.to_ns === null });
  }
  return spans.sort((a, b) => a.fromMs - b.fromMs);
}

/** For each point whether it may be drawn, and whether the line may come to it from the point before. */
export interface Stroke {
  drawn: boolean;
  joined: boolean;
}

/** Decides it for every point in one pass over points and gaps, both in order of time. */
export function strokes(points: readonly Point[], stepMs: number, gaps: readonly Span[]): Stroke[] {
  const result: Stroke[] = [];
  const ends = runningEnds(gaps);
  let next = 0; // The first gap that starts at or after the point in hand.
  let before: Point | null = null;
  for (const point of points) {
    const reached = next;
    while (next < gaps.length && (gaps[next]?.fromMs ?? Infinity) < point.atMs) next += 1;
    const inside = next > 0 && (ends[next - 1] ?? -Infinity) > point.atMs;
    const drawn = point.last_price !== null && !inside;
    const crossed = next > reached || inside;
    const near = before !== null && point.atMs - before.atMs <= stepMs * BREAK_STEPS;
    const previous = result[result.length - 1];
    result.push({ drawn, joined: drawn && near && !crossed && previous?.drawn === true });
    before = point;
  }
  return result;
}

/** For each gap the latest end among it and those before, so that nested gaps are seen. */
function runningEnds(gaps: readonly Span[]): number[] {
  let latest = -Infinity;
  return gaps.map((gap) => (latest = Math.max(latest, gap.toMs)));
}

/** Columns for the plot with an empty row wherever the line must break; `source` maps back to points. */
export interface PlotColumns {
  x: number[];
  last: (number | null)[];
  vwap: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
  source: number[];
  /** How many separate lines there are; tests read it. */
  segments: number;
}

export function plotColumns(points: readonly Point[], stepMs: number, gaps: readonly Span[]): PlotColumns {
  const columns: PlotColumns = { x: [], last: [], vwap: [], min: [], max: [], source: [], segments: 0 };
  const marks = strokes(points, stepMs, gaps);
  points.forEach((point, i) => {
    const mark = marks[i] ?? { drawn: false, joined: false };
    const previous = points[i - 1];
    if (mark.drawn && !mark.joined) {
      columns.segments += 1;
      const apart = previous !== undefined && marks[i - 1]?.drawn === true;
      if (apart) pushRow(columns, (previous.atMs + point.atMs) / 2, null, -1);
    }
    pushRow(columns, point.atMs, mark.drawn ? point : null, i);
  });
  return columns;
}

function pushRow(columns: PlotColumns, x: number, point: Point | null, source: number): void {
  columns.x.push(x);
  columns.last.push(numberOf(point?.last_price));
  columns.vwap.push(point?.avg_price_volume ?? null);
  columns.min.push(numberOf(point?.min_price));
  columns.max.push(numberOf(point?.max_price));
  columns.source.push(source);
}

const numberOf = (text: string | null | undefined): number | null =>
  text === null || text === undefined ? null : Number(text);

/** Neighbouring points of one incomplete status as one span; a point stands for the step that ends at it. */
export function statusSpans(points: readonly Point[], stepMs: number): StatusSpan[] {
  const spans: StatusSpan[] = [];
  for (const point of points) {
    if (point.status === 'complete') continue;
    const coverage = point.coverage ?? 0;
    const current = spans[spans.length - 1];
    const near = current !== undefined && point.atMs - current.toMs <= stepMs * BREAK_STEPS;
    if (near && current.status === point.status) {
      current.toMs = point.atMs;
      current.coverage = Math.min(current.coverage, coverage);
    } else {
      const fromMs = near ? current.toMs : point.atMs - stepMs;
      spans.push({ fromMs, toMs: point.atMs, status: point.status, coverage });
    }
  }
  return spans;
}
