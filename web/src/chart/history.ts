// The stored points behind one chart: which block is loaded, when another is needed, and the live points on its end.
// Invariant: points that arrive while a block is being fetched are put on it when it comes; none falls between.

import type { Row } from '../contract';
import { ApiError, getSeries } from '../live/api';
import { durationText } from '../pure/duration';
import { Series } from '../pure/series';
import { spanOf, stepFor, type View } from '../pure/view';

/** How much is loaded on each side of the view, as a share of its span. */
const MARGIN_SHARE = 0.75;
const LOAD_AFTER_MS = 120;
/** Points kept for a block under way; more than this many mean the server is far behind anyway. */
const WAITING_MAX = 5_000;
const RETRY_MS = 2_000;
const POINTS_KEPT_MAX = 6_000;

interface Block {
  fromMs: number;
  /** Infinity: it reaches to the live edge and grows there. */
  toMs: number;
  series: Series;
}

export interface HistoryOptions {
  symbol: string;
  window: string;
  grid: string;
  gridMs: number;
  changed: () => void;
}

export class History {
  /** The server's reason when the last load failed. */
  error: string | null = null;
  loading = false;
  private block: Block | null = null;
  private waiting: Row[] = [];
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private asked = '';

  constructor(private readonly options: HistoryOptions) {}

  /** The window length whose points these are. */
  get window(): string {
    return this.options.window;
  }

  get series(): Series | null {
    return this.block?.series ?? null;
  }

  /** Makes sure the view has its points at a fitting step; asks the server after a short rest. */
  ensure(view: View, nowMs: number, pointsMax: number): void {
    const stepMs = stepFor(spanOf(view), this.options.gridMs, pointsMax);
    this.trim(view);
    if (this.covers(view, nowMs, stepMs)) return;
    const margin = spanOf(view) * MARGIN_SHARE;
    const fromMs = Math.max(0, view.fromMs - margin);
    const toMs = view.toMs + margin >= nowMs ? Infinity : view.toMs + margin;
    this.schedule({ fromMs, toMs, stepMs });
  }

  takePoint(row: Row): void {
    if (row.symbol !== this.options.symbol || row.window !== this.options.window) return;
    if (this.loading && this.waiting.length < WAITING_MAX) this.waiting.push(row);
    if (this.block !== null && this.block.toMs === Infinity) this.block.series.upsert(row);
  }

  /** Forgets what was loaded: after a lost connection it may have a hole. */
  invalidate(): void {
    this.asked = '';
    if (this.block !== null) this.block.toMs = -Infinity;
  }

  /** The time of the oldest stored point, for the range "all". */
  async oldest(): Promise<number | null> {
    const { symbol, window } = this.options;
    const answer = await getSeries({ symbol, window, fromMs: 0 });
    return answer.timestamp_ns[0] === undefined ? null : answer.timestamp_ns[0] / 1e6;
  }

  close(): void {
    this.abort?.abort();
    if (this.timer !== null) clearTimeout(this.timer);
  }

  /** Forgets points far left of a view that follows, so that a page left open all day stays quick. */
  private trim(view: View): void {
    const block = this.block;
    if (block === null || !view.follow || block.series.points.length < POINTS_KEPT_MAX) return;
    const keepFromMs = view.fromMs - spanOf(view) * MARGIN_SHARE;
    block.series.dropBefore(keepFromMs);
    block.fromMs = Math.max(block.fromMs, keepFromMs);
  }

  /** A symbol that never traded is unknown to the store; its series starts with its first live point. */
  private startEmpty(wanted: { fromMs: number; stepMs: number }): void {
    const series = new Series(wanted.stepMs, this.options.gridMs);
    for (const row of this.waiting) series.upsert(row);
    this.block = { fromMs: wanted.fromMs, toMs: Infinity, series };
    this.error = null;
  }

  private failed(reason: string): void {
    this.error = reason;
    this.timer = setTimeout(() => {
      this.asked = '';
      this.options.changed();
    }, RETRY_MS);
  }

  private covers(view: View, nowMs: number, stepMs: number): boolean {
    const block = this.block;
    if (block === null || block.series.stepMs !== stepMs) return false;
    return block.fromMs <= Math.max(0, view.fromMs) && block.toMs >= Math.min(view.toMs, nowMs);
  }

  private schedule(wanted: { fromMs: number; toMs: number; stepMs: number }): void {
    const width = wanted.stepMs * 50;
    const key = `${wanted.stepMs} ${Math.round(wanted.fromMs / width)} ${Math.round(wanted.toMs / width)}`;
    if (key === this.asked) return;
    this.asked = key;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(wanted), this.block === null ? 0 : LOAD_AFTER_MS);
  }

  private async load(wanted: { fromMs: number; toMs: number; stepMs: number }): Promise<void> {
    const { symbol, window, grid, gridMs, changed } = this.options;
    this.abort?.abort();
    const abort = (this.abort = new AbortController());
    this.loading = true;
    this.waiting = [];
    const step = wanted.stepMs === gridMs ? grid : durationText(wanted.stepMs);
    const query = { symbol, window, fromMs: wanted.fromMs, step };
    try {
      const answer = await getSeries(wanted.toMs === Infinity ? query : { ...query, toMs: wanted.toMs }, abort.signal);
      const series = Series.fromAnswer(answer, gridMs);
      const fromMs = answer.truncated ? (series.firstMs ?? wanted.fromMs) : wanted.fromMs;
      this.block = { fromMs, toMs: wanted.toMs, series };
      if (wanted.toMs === Infinity) for (const row of this.waiting) series.upsert(row);
      this.error = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error instanceof ApiError && error.code === 'unknown_symbol') this.startEmpty(wanted);
      else this.failed(error instanceof ApiError ? error.detail : String(error));
    }
    this.loading = false;
    changed();
  }
}
