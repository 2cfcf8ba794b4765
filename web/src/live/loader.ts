// Fetching what events do not carry: settings, gaps, and each symbol's last 15 minutes.
// A few requests at a time, so that fifty symbols do not stand in the way of a chart.

import { durationText } from '../pure/duration';
import { Series } from '../pure/series';
import { ApiError, getGaps, getSeries, getSettings, getSymbols } from './api';
import type { Frames } from './frames';
import type { Market } from './market';
import { SPARK_SPAN_MS, sparkStepMs, type TrackedSymbol } from './tracked-symbol';

const AT_ONCE = 3;
const RETRY_MS = 3_000;
/** The server lists a gap once it is saved, which takes it some seconds; one from before the snapshot has no event. */
const GAPS_SAVED_MS = 8_000;

export class Loader {
  private running = 0;
  private readonly queue: TrackedSymbol[] = [];
  private gapsTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly market: Market,
    private readonly frames: Frames,
  ) {}

  /** What must be known before listening; says when a token is needed. */
  async prepare(): Promise<'ready' | 'login'> {
    try {
      const [settings, symbols] = await Promise.all([getSettings(), getSymbols()]);
      this.market.settings = settings;
      this.market.takeSnapshot(symbols);
      this.market.takeSettings(settings);
      return 'ready';
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return 'login';
      throw error;
    }
  }

  /** After every snapshot: points and gaps of the time before it. */
  refill(): void {
    for (const tracked of this.market.symbols.values()) tracked.sparkAsked = false;
    this.fillSparks();
    void this.loadGaps(GAPS_SAVED_MS);
  }

  /** Asks for the sparkline of every symbol that has not been asked for. */
  fillSparks(): void {
    for (const tracked of this.market.symbols.values()) {
      if (tracked.sparkAsked) continue;
      tracked.sparkAsked = true;
      this.queue.push(tracked);
    }
    while (this.running < AT_ONCE && this.queue.length > 0) void this.work();
  }

  /** Fetches the list of gaps, and once more after `againMs`. */
  private async loadGaps(againMs?: number): Promise<void> {
    clearTimeout(this.gapsTimer);
    const later = (ms: number, then?: number): void => {
      this.gapsTimer = setTimeout(() => void this.loadGaps(then), ms);
    };
    try {
      this.market.takeGapList(await getGaps(0));
      if (againMs !== undefined) later(againMs);
    } catch {
      later(RETRY_MS, againMs);
    }
  }

  private async work(): Promise<void> {
    this.running += 1;
    for (let tracked = this.queue.shift(); tracked !== undefined; tracked = this.queue.shift())
      await this.fill(tracked);
    this.running -= 1;
  }

  private async fill(tracked: TrackedSymbol): Promise<void> {
    const { window, gridMs, clock } = this.market;
    const nowMs = clock.nowMs();
    if (window === null || nowMs === null || this.market.symbols.get(tracked.symbol) !== tracked) return;
    const step = durationText(sparkStepMs(gridMs));
    try {
      const answer = await getSeries({ symbol: tracked.symbol, window, fromMs: nowMs - SPARK_SPAN_MS, step });
      if (window !== this.market.window) return;
      tracked.takeHistory(Series.fromAnswer(answer, gridMs));
      this.frames.points(tracked.symbol);
      this.frames.row(tracked.symbol);
    } catch (error) {
      // A symbol without a trade so far is unknown to the store; its line starts with its first point.
      if (!(error instanceof ApiError) || error.status !== 404) tracked.sparkAsked = false;
    }
  }
}
