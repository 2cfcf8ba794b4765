// A stored series in columns, as the server answers it, that also takes live points and their revisions.
// Columns stay what the contract says: decimals are text, so that a legend can show them exactly.

import { msOf, type Row, type SeriesAnswer, type Status } from '../contract';
import { parseDuration } from './duration';

const SEVERITY: Record<Status, number> = { complete: 0, provisional: 1, warming: 2, stale: 3, gap: 4 };

export const worse = (a: Status, b: Status): Status => (SEVERITY[b] > SEVERITY[a] ? b : a);

/** One point of a series, with its time in milliseconds. */
export interface Point extends Omit<Row, 'symbol' | 'window' | 'timestamp_ns'> {
  atMs: number;
}

export class Series {
  readonly points: Point[] = [];

  /** Where steps begin, relative to multiples of the step. */
  private phaseMs = 0;

  constructor(
    readonly stepMs: number,
    readonly gridMs: number,
  ) {}

  static fromAnswer(answer: SeriesAnswer, gridMs: number): Series {
    const series = new Series(parseDuration(answer.step) ?? gridMs, gridMs);
    for (let i = 0; i < answer.timestamp_ns.length; i += 1) series.points.push(pointAt(answer, i));
    series.phaseMs = phaseOf(series.points, series.stepMs, gridMs);
    return series;
  }

  get firstMs(): number | null {
    return this.points[0]?.atMs ?? null;
  }

  get lastMs(): number | null {
    return this.points[this.points.length - 1]?.atMs ?? null;
  }

  /** Takes a live point: appends it, puts it in the place of its step's last one, or revises an earlier one. */
  upsert(row: Row): void {
    const point = pointOf(row);
    const last = this.points[this.points.length - 1];
    if (last === undefined || point.atMs > last.atMs) this.append(point, last);
    else this.revise(point);
  }

  /** Forgets what is older than `ms`. */
  dropBefore(ms: number): void {
    let count = 0;
    while (count < this.points.length && (this.points[count]?.atMs ?? ms) < ms) count += 1;
    if (count > 0) this.points.splice(0, count);
  }

  /** The index of the point nearest to `ms`, or -1 in an empty series. */
  nearest(ms: number): number {
    const at = this.lowerBound(ms);
    if (at === 0) return this.points.length === 0 ? -1 : 0;
    const after = this.points[at];
    const before = this.points[at - 1];
    if (after === undefined || before === undefined) return at - 1;
    return after.atMs - ms < ms - before.atMs ? at : at - 1;
  }

  private append(point: Point, last: Point | undefined): void {
    if (last !== undefined && this.thinned && this.bucket(last.atMs) === this.bucket(point.atMs)) {
      this.points[this.points.length - 1] = withWorst(point, last);
    } else {
      this.points.push(point);
    }
  }

  private revise(point: Point): void {
    const at = this.lowerBound(point.atMs);
    const there = this.points[at];
    if (there !== undefined && there.atMs === point.atMs) {
      if (point.revision >= there.revision) this.points[at] = point;
    } else if (!this.thinned && at > 0) {
      this.points.splice(at, 0, point);
    }
  }

  private get thinned(): boolean {
    return this.stepMs > this.gridMs;
  }

  private bucket(ms: number): number {
    return Math.floor((ms - this.phaseMs) / this.stepMs);
  }

  private lowerBound(ms: number): number {
    let low = 0;
    let high = this.points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.points[middle]?.atMs ?? Infinity) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The server keeps the last point of each step, and only its answer tells where its steps end.
 * Most points are the last of a whole step, so the commonest place within a step is its end.
 */
function phaseOf(points: readonly Point[], stepMs: number, gridMs: number): number {
  const counts = new Map<number, number>();
  let [best, bestCount] = [0, 0];
  for (const { atMs } of points.slice(0, -1)) {
    const phase = Math.round(atMs + gridMs) % stepMs;
    const count = (counts.get(phase) ?? 0) + 1;
    counts.set(phase, count);
    if (count > bestCount) [best, bestCount] = [phase, count];
  }
  return best;
}

export function pointOf(row: Row): Point {
  const { symbol: _symbol, window: _window, timestamp_ns, ...rest } = row;
  return { ...rest, atMs: msOf(timestamp_ns) };
}

/** Invariant: a step is as trustworthy as the least of the points it stands for. */
function withWorst(point: Point, earlier: Point): Point {
  const coverage = Math.min(point.coverage ?? 1, earlier.coverage ?? 1);
  return { ...point, status: worse(point.status, earlier.status), coverage };
}

function pointAt(answer: SeriesAnswer, i: number): Point {
  return {
    atMs: msOf(answer.timestamp_ns[i] ?? 0),
    transactions: answer.transactions[i] ?? 0,
    volume: answer.volume[i] ?? '0',
    last_price: answer.last_price[i] ?? null,
    min_price: answer.min_price[i] ?? null,
    max_price: answer.max_price[i] ?? null,
    avg_price_trans: answer.avg_price_trans[i] ?? null,
    avg_price_volume: answer.avg_price_volume[i] ?? null,
    variance: answer.variance[i] ?? null,
    status: answer.status[i] ?? 'provisional',
    coverage: answer.coverage[i] ?? null,
    revision: answer.revision[i] ?? 0,
  };
}
