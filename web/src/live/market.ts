// The page's picture of the server: everything views read, changed only by the server's events.
// Each change marks what is to be drawn again; drawing happens later, in one frame.

import type {
  Feed,
  Followed,
  Gap,
  LiveEventName,
  LiveEvents,
  Pipeline,
  Row,
  Settings,
  SettingsAnswer,
  Status,
  SymbolsAnswer,
} from '../contract';
import { msOf } from '../contract';
import { parseDuration } from '../pure/duration';
import { gapSpans, type GapSpan } from '../pure/spans';
import { worse } from '../pure/series';
import type { Frames } from './frames';
import { LogClock } from './log-clock';
import type { Connection } from './stream';
import { TrackedSymbol } from './tracked-symbol';

const GAPS_MAX = 5_000;

export class Market {
  readonly symbols = new Map<string, TrackedSymbol>();
  readonly clock = new LogClock();
  connection: Connection = { state: 'connecting' };
  /** Why the server is not heard, from the failure until it is heard again. */
  lost: string | null = null;
  feed: Feed = { state: 'connecting', since_ns: null, detail: '' };
  settings: SettingsAnswer | null = null;
  pipeline: Pipeline | null = null;
  simulated = false;
  venue = '';
  windows: string[] = [];
  window: string | null = null;
  /** The window that the reader chose: shown again when the server has it again. */
  chosenWindow: string | null = null;
  grid = '1s';
  /** Snapshots taken: 0 means nothing is known yet. */
  snapshots = 0;
  private readonly gaps = new Map<string, Gap>();
  private readonly openGaps = new Map<string, Gap>();
  /** Gaps that came as events since the snapshot; the server's list is some seconds behind them. */
  private readonly heardGaps = new Set<string>();
  private readonly pointListeners: ((row: Row) => void)[] = [];

  constructor(private readonly frames: Frames) {}

  get gridMs(): number {
    return parseDuration(this.grid) ?? 1_000;
  }

  onPoint(listener: (row: Row) => void): void {
    this.pointListeners.push(listener);
  }

  take(name: LiveEventName, data: unknown): void {
    switch (name) {
      case 'snapshot':
        return this.takeSnapshot(data as LiveEvents['snapshot']);
      case 'rows':
        return this.takeRows(data as LiveEvents['rows']);
      case 'points':
        return this.takePoints(data as LiveEvents['points']);
      case 'feed':
        return this.takeFeed(data as Feed);
      case 'gap':
        return this.takeGap(data as Gap);
      case 'settings':
        return this.takeSettings(data as SettingsAnswer);
      case 'followed':
        return this.takeFollowed(data as Followed);
      case 'pipeline':
        return this.takePipeline(data as Pipeline);
    }
  }

  takeConnection(connection: Connection): void {
    this.connection = connection;
    if (connection.state === 'waiting') this.lost = connection.reason;
    if (connection.state === 'live' || connection.state === 'login') this.lost = null;
    this.runClock();
    this.frames.topic('connection');
  }

  /** Takes the answer of /api/v1/symbols, from the stream or asked for. */
  takeSnapshot(answer: SymbolsAnswer): void {
    this.simulated = answer.simulated;
    this.venue = answer.venue;
    this.windows = answer.windows;
    this.grid = answer.grid;
    this.clock.restart();
    this.heardGaps.clear();
    if (answer.time_ns !== null) this.clock.state(msOf(answer.time_ns));
    this.showWindow(this.windowToShow());
    for (const entry of answer.symbols) {
      if (entry.subscribed) this.track(entry.symbol);
      for (const row of entry.rows) this.takeRow(row);
    }
    const followed = answer.symbols.filter((entry) => entry.subscribed).map((entry) => entry.symbol);
    this.keepOnly(followed);
    this.takeFeed(answer.feed);
    this.snapshots += 1;
    this.frames.topic('list');
    this.frames.topic('choice');
  }

  takeSettings(answer: SettingsAnswer): void {
    this.settings = answer;
    this.frames.topic('settings');
    // They order the list.
    this.frames.topic('list');
  }

  /** Which symbols and windows there are: where another process reads the feed, its word counts. */
  private takeFollowed(answer: Followed): void {
    this.grid = answer.grid;
    for (const symbol of answer.symbols) this.track(symbol);
    this.keepOnly(answer.symbols);
    this.takeWindows(answer.windows);
    this.frames.topic('list');
  }

  /** Shows at once what a reader has changed; `followed` says what came of it. */
  takeWish(before: Settings, wish: Settings): void {
    const [old, wanted] = [new Set(before.subscriptions), new Set(wish.subscriptions)];
    for (const symbol of wanted) if (!old.has(symbol)) this.track(symbol);
    for (const symbol of old) if (!wanted.has(symbol)) this.symbols.delete(symbol);
    // Who takes away the window that he chose wants another one, also while the server still has it.
    if (this.chosenWindow !== null && !wish.windows.includes(this.chosenWindow)) this.chosenWindow = null;
    if (wish.windows.join() !== before.windows.join()) this.takeWindows(wish.windows);
    this.frames.topic('list');
  }

  /** Replaces what is known of gaps with what the server lists, but for what was heard since. */
  takeGapList(gaps: readonly Gap[]): void {
    for (const known of [this.gaps, this.openGaps]) {
      for (const key of known.keys()) if (!this.heardGaps.has(key)) known.delete(key);
    }
    for (const gap of gaps) if (!this.heardGaps.has(gapKey(gap))) this.keepGap(gap);
    this.frames.topic('gaps');
  }

  chooseWindow(window: string): void {
    this.chosenWindow = window;
    this.showWindow(this.windowToShow());
  }

  /** Shows another window; everything of the old one is forgotten. */
  private showWindow(window: string | null): void {
    if (window === this.window) return;
    this.window = window;
    for (const tracked of this.symbols.values()) tracked.resetSeries(this.gridMs);
    this.frames.topic('choice');
    this.frames.topic('list');
  }

  gapsOf(symbol: string): GapSpan[] {
    return gapSpans(this.gaps.values(), symbol);
  }

  /** The status a reader should believe now: the row's, or worse when a gap is open or the feed is not live. */
  statusOf(symbol: string): Status | null {
    const row = this.symbols.get(symbol)?.row ?? null;
    if (this.hasOpenGap(symbol)) return 'gap';
    if (row === null) return null;
    return this.feed.state === 'stale' || this.feed.state === 'disconnected' ? worse(row.status, 'stale') : row.status;
  }

  private hasOpenGap(symbol: string): boolean {
    for (const gap of this.openGaps.values()) {
      if (gap.symbols.length === 0 || gap.symbols.includes(symbol)) return true;
    }
    return false;
  }

  private takeRows(data: LiveEvents['rows']): void {
    this.clock.state(msOf(data.time_ns));
    for (const row of data.rows) this.takeRow(row);
  }

  private takeRow(row: Row): void {
    const tracked = this.symbols.get(row.symbol);
    if (tracked === undefined || row.window !== this.window) return;
    tracked.takeRow(row);
    this.frames.row(row.symbol);
  }

  private takePoints(data: LiveEvents['points']): void {
    for (const row of data.rows) {
      if (row.window !== this.window) continue;
      for (const listener of this.pointListeners) listener(row);
      this.symbols.get(row.symbol)?.takePoint(row);
      this.frames.points(row.symbol);
    }
  }

  private takeFeed(feed: Feed): void {
    this.feed = feed;
    this.runClock();
    this.frames.topic('feed');
    for (const symbol of this.symbols.keys()) this.frames.row(symbol);
  }

  private takeGap(gap: Gap): void {
    this.heardGaps.add(gapKey(gap));
    this.keepGap(gap);
    this.frames.topic('gaps');
    for (const symbol of gap.symbols.length > 0 ? gap.symbols : this.symbols.keys()) this.frames.row(symbol);
  }

  private takePipeline(pipeline: Pipeline): void {
    this.pipeline = pipeline;
    this.frames.topic('pipeline');
  }

  private takeWindows(windows: string[]): void {
    this.windows = windows;
    this.showWindow(this.windowToShow());
    this.frames.topic('choice');
  }

  /** The chosen window if the server has it, else the one that is shown, else the first. */
  private windowToShow(): string | null {
    const has = (window: string | null): boolean => window !== null && this.windows.includes(window);
    if (has(this.chosenWindow)) return this.chosenWindow;
    return has(this.window) ? this.window : (this.windows[0] ?? null);
  }

  /** A gap that was filled is none any more. */
  private keepGap(gap: Gap): void {
    const key = gapKey(gap);
    if (gap.to_ns === null) this.openGaps.set(key, gap);
    else this.openGaps.delete(key);
    if (gap.state === 'filled') this.gaps.delete(key);
    else this.gaps.set(key, gap);
    if (this.gaps.size > GAPS_MAX) {
      const oldest = this.gaps.keys().next();
      if (oldest.done !== true) this.gaps.delete(oldest.value);
    }
  }

  private track(symbol: string): void {
    if (!this.symbols.has(symbol)) this.symbols.set(symbol, new TrackedSymbol(symbol, this.gridMs));
  }

  private keepOnly(followed: readonly string[]): void {
    const wanted = new Set(followed);
    for (const symbol of this.symbols.keys()) if (!wanted.has(symbol)) this.symbols.delete(symbol);
  }

  private runClock(): void {
    this.clock.run(this.connection.state === 'live' && this.feed.state !== 'ended');
  }
}

/** A gap is named by its beginning and its symbols. */
const gapKey = (gap: Gap): string => JSON.stringify([gap.from_ns, gap.symbols]);
