// The chart of one symbol: head with the live price, ranges, legend, plot. It owns the view and
// decides when to load and when to draw; layers below it only do as told.

import type { Changes } from '../live/frames';
import type { Market } from '../live/market';
import { plotColumns, statusSpans, type GapSpan, type PlotColumns, type StatusSpan } from '../pure/spans';
import { advance, following, pan, spanOf, zoom, type View } from '../pure/view';
import { el } from '../shell/dom';
import { attachGestures } from './gestures';
import { ChartHead, RANGES, type HeadActions, type RangeName } from './head';
import { History } from './history';
import { GapTip, Legend } from './legend';
import { Plot } from './plot';

const DEFAULT_SPAN_MS = 15 * 60_000;
const POINTS_PER_PX = 1.5;
const POINTS_MIN = 300;
const POINTS_MAX = 1_800;

/** What was made of the points, kept until points or gaps change. */
interface Derived {
  columns: PlotColumns;
  gaps: GapSpan[];
  statuses: StatusSpan[];
}

export class ChartPanel {
  readonly root: HTMLElement;
  private readonly head: ChartHead;
  private readonly legend = new Legend();
  private readonly tip = new GapTip();
  private readonly holder = el('div', { class: 'plot' });
  private readonly note = el('p', { class: 'plot-note', attrs: { hidden: '' } });
  private readonly plot: Plot;
  private history: History;
  private view: View;
  private range: RangeName | null = '15m';
  private derived: Derived | null = null;
  private cursor: { index: number | null; ms: number } | null = null;
  private drawnToMs = -Infinity;
  private queued = false;

  constructor(
    readonly symbol: string,
    private readonly market: Market,
    actions: Omit<HeadActions, 'range' | 'live'>,
  ) {
    this.head = new ChartHead(symbol, market, {
      ...actions,
      range: (name) => void this.chooseRange(name),
      live: () => this.goLive(),
    });
    const stage = el('div', { class: 'stage' }, this.holder, this.tip.root, this.note);
    this.root = el(
      'section',
      { class: 'chart', attrs: { 'aria-label': `Chart of ${symbol}` } },
      this.head.root,
      this.legend.root,
      stage,
    );
    this.view = following(DEFAULT_SPAN_MS, this.nowMs);
    this.history = this.openHistory();
    this.plot = new Plot(this.holder, (index, ms) => this.takeCursor(index, ms));
    this.wire(this.plot.over);
  }

  /** For tests and for those who look closely: what is drawn just now. */
  get facts(): {
    segments: number;
    gaps: number;
    openGaps: number;
    points: number;
    stepMs: number;
    fromMs: number;
    toMs: number;
    follow: boolean;
  } {
    const { columns, gaps } = this.derived ?? { columns: null, gaps: [] as GapSpan[] };
    const series = this.history.series;
    return {
      segments: columns?.segments ?? 0,
      gaps: gaps.length,
      openGaps: gaps.filter((gap) => gap.open).length,
      points: series?.points.length ?? 0,
      stepMs: series?.stepMs ?? 0,
      ...this.view,
    };
  }

  render(changes: Changes): void {
    if (changes.topics.has('theme')) this.plot.recolour((over) => this.wire(over));
    if (changes.topics.has('gaps') || changes.points.has(this.symbol)) this.derived = null;
    this.head.render();
    this.draw(changes.rows.has(this.symbol) || this.derived === null || changes.topics.has('theme'));
  }

  takePoint = (row: Parameters<History['takePoint']>[0]): void => this.history.takePoint(row);

  /** The window length or the server changed: other points are needed. */
  reload(): void {
    this.history.close();
    this.history = this.openHistory();
    this.derived = null;
    this.draw(true);
  }

  /** The connection was lost meanwhile: what is on screen may have a hole, and stays until the new block comes. */
  refresh(): void {
    if (this.history.window !== this.market.window) return this.reload();
    this.history.invalidate();
    this.draw(true);
  }

  panBy(share: number): void {
    this.range = null;
    this.setView(pan(this.view, -share * spanOf(this.view), this.nowMs));
  }

  zoomBy(factor: number, atShare = 0.5): void {
    this.range = null;
    this.setView(zoom(this.view, factor, this.view.fromMs + atShare * spanOf(this.view), this.nowMs));
  }

  goLive(): void {
    this.setView(following(spanOf(this.view), this.nowMs));
  }

  async chooseRange(name: RangeName): Promise<void> {
    this.range = name;
    const spanMs = RANGES.find((range) => range.name === name)?.spanMs ?? null;
    if (spanMs !== null) return this.setView(following(spanMs, this.nowMs));
    this.head.showView(this.range, this.view.follow);
    try {
      const oldestMs = await this.history.oldest();
      if (this.range === name && oldestMs !== null) this.setView(following((this.nowMs - oldestMs) * 1.04, this.nowMs));
    } catch {
      // The next load reports why the server does not answer.
    }
  }

  close(): void {
    this.history.close();
    this.plot.destroy();
    this.root.remove();
  }

  private get nowMs(): number {
    return this.market.clock.nowMs() ?? Date.now();
  }

  private openHistory(): History {
    const { window, grid, gridMs } = this.market;
    const changed = (): void => {
      this.derived = null;
      this.draw(true);
    };
    return new History({ symbol: this.symbol, window: window ?? '', grid, gridMs, changed });
  }

  private wire(over: HTMLElement): void {
    attachGestures(over, {
      panBy: (share) => this.panBy(share),
      zoomBy: (factor, at) => this.zoomBy(factor, at),
      live: () => this.goLive(),
    });
  }

  private setView(view: View): void {
    this.view = view;
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.draw(true);
    });
  }

  private draw(force: boolean): void {
    this.view = advance(this.view, this.nowMs);
    this.head.showView(this.range, this.view.follow);
    const { width } = this.plot;
    const pixelMs = spanOf(this.view) / width;
    const openGap = this.derived?.gaps.some((gap) => gap.open) === true;
    const moved = (this.view.follow || openGap) && this.nowMs - this.drawnToMs >= pixelMs;
    if (!force && !moved) return;
    this.drawnToMs = this.nowMs;
    this.history.ensure(
      this.view,
      this.nowMs,
      Math.max(POINTS_MIN, Math.min(POINTS_MAX, Math.round(width * POINTS_PER_PX))),
    );
    this.paint();
    this.showLegend();
    this.showNote();
  }

  private paint(): void {
    const series = this.history.series;
    const { columns, gaps, statuses } = (this.derived ??= this.derive());
    const tracked = this.market.symbols.get(this.symbol);
    this.plot.draw({
      view: this.view,
      columns,
      gaps,
      statuses,
      points: series?.points ?? [],
      stepMs: series?.stepMs ?? this.market.gridMs,
      liveMs: this.nowMs,
      lastPrice: tracked?.row?.last_price ?? null,
      decimals: tracked?.decimals ?? 2,
    });
  }

  private derive(): Derived {
    const series = this.history.series;
    const points = series?.points ?? [];
    const stepMs = series?.stepMs ?? this.market.gridMs;
    const gaps = this.market.gapsOf(this.symbol);
    return { columns: plotColumns(points, stepMs, gaps), gaps, statuses: statusSpans(points, stepMs) };
  }

  private takeCursor(index: number | null, ms: number | null): void {
    this.cursor = ms === null ? null : { index, ms };
    this.showLegend();
  }

  private showLegend(): void {
    const decimals = this.market.symbols.get(this.symbol)?.decimals ?? 2;
    const points = this.history.series?.points ?? [];
    const { cursor } = this;
    if (cursor === null) {
      this.legend.show(points[points.length - 1] ?? null, decimals, this.nowMs);
      return this.tip.show(null, 0, 0, 0);
    }
    const source = cursor.index === null ? -1 : (this.derived?.columns.source[cursor.index] ?? -1);
    const point = points[source] ?? null;
    const stepMs = this.history.series?.stepMs ?? 0;
    this.legend.show(
      point !== null && Math.abs(point.atMs - cursor.ms) <= stepMs * 1.5 ? point : null,
      decimals,
      this.nowMs,
    );
    this.showTip(cursor.ms);
  }

  private showTip(ms: number): void {
    const slackMs = (spanOf(this.view) / this.plot.width) * 2;
    const gap = this.derived?.gaps.find(
      (each) => each.fromMs - slackMs <= ms && ms <= Math.min(each.toMs, this.nowMs) + slackMs,
    );
    const left = ((ms - this.view.fromMs) / spanOf(this.view)) * this.plot.over.clientWidth;
    this.tip.show(gap ?? null, left, this.plot.width, this.nowMs);
  }

  private showNote(): void {
    const { error, loading, series } = this.history;
    const empty = series !== null && series.points.length === 0;
    const text =
      error ?? (series === null && loading ? 'Loading…' : empty && !loading ? 'No points in this range yet.' : '');
    this.note.hidden = text === '';
    this.note.textContent = text;
  }
}
