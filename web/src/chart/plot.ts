// The plot itself: uPlot draws axes and the two lines, layers.ts the rest.
// One canvas holds price above and volume below, so that both share time and the cursor by construction.

import uPlot from 'uplot';
import { compact, exact, fixed } from '../pure/format';
import type { Point } from '../pure/series';
import type { GapSpan, PlotColumns, StatusSpan } from '../pure/spans';
import type { View } from '../pure/view';
import { palette } from '../shell/palette';
import { axisWidth, decimalsFor, timeLabels, timeSplits } from './axes';
import * as layers from './layers';

/** Share of the height that volume takes. */
const VOLUME_SHARE = 0.2;
const PRICE_PAD = 0.08;
const FONT_PX = 11;
const FONT = '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif';

/** Everything one drawing of the plot needs. */
export interface Scene {
  view: View;
  columns: PlotColumns;
  points: readonly Point[];
  stepMs: number;
  gaps: readonly GapSpan[];
  statuses: readonly StatusSpan[];
  liveMs: number;
  lastPrice: string | null;
  decimals: number;
}

const EMPTY: Scene = {
  view: { fromMs: 0, toMs: 1, follow: false },
  columns: { x: [], last: [], vwap: [], min: [], max: [], source: [], segments: 0 },
  points: [],
  stepMs: 1_000,
  gaps: [],
  statuses: [],
  liveMs: 0,
  lastPrice: null,
  decimals: 2,
};

export class Plot {
  private uplot: uPlot;
  private scene: Scene = EMPTY;
  private volumeMax = 1;
  private holderSize = { width: 0, height: 0 };

  constructor(
    private readonly holder: HTMLElement,
    private readonly onCursor: (index: number | null, ms: number | null) => void,
  ) {
    this.measure();
    this.uplot = this.create();
    new ResizeObserver(() => this.resize()).observe(holder);
  }

  /** The element over the plot that takes the gestures. */
  get over(): HTMLElement {
    return this.uplot.over;
  }

  get width(): number {
    return Math.max(1, this.holderSize.width);
  }

  /** Draws the scene. New data and new view in one batch: one drawing, not two. */
  draw(scene: Scene): void {
    const fresh = scene.columns !== this.scene.columns;
    this.scene = scene;
    this.volumeMax = this.greatestVolume();
    const { x, last, vwap, min, max } = scene.columns;
    this.uplot.batch(() => {
      if (fresh) this.uplot.setData([x, last, vwap, min, max], false);
      this.uplot.setScale('x', { min: scene.view.fromMs, max: scene.view.toMs });
    });
  }

  /** Builds the plot again with the theme's colours. */
  recolour(rewire: (over: HTMLElement) => void): void {
    this.uplot.destroy();
    this.uplot = this.create();
    rewire(this.uplot.over);
    const scene = this.scene;
    this.scene = EMPTY;
    this.draw(scene);
  }

  destroy(): void {
    this.uplot.destroy();
  }

  private create(): uPlot {
    const colours = palette();
    const size = this.size();
    const axis = {
      stroke: colours.dim,
      font: `${FONT_PX}px ${FONT}`,
      ticks: { show: false },
      grid: { stroke: colours.grid, width: 1 },
    };
    const unseen = { scale: 'y', paths: () => null, points: { show: false } };
    return new uPlot(
      {
        ...size,
        ms: 1,
        padding: [10, 0, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: false, y: false, setScale: false }, points: { size: 7 }, y: true },
        scales: {
          x: { time: true, auto: false },
          y: { range: (_u, low, high) => priceRange(low, high) },
        },
        axes: [
          {
            ...axis,
            size: 26,
            gap: 6,
            space: 72,
            splits: (_u, _axis, low, high, increment) => timeSplits(low, high, increment),
            values: timeLabels,
          },
          {
            ...axis,
            scale: 'y',
            side: 1,
            size: (_u, values) => axisWidth(values),
            gap: 7,
            space: 38,
            splits: (u, at, low, high, increment) => this.priceSplits(u, at, low, high, increment),
            values: (u, splits, _at, _space, increment) =>
              splits.map((value) => (this.underTag(u, value) ? '' : fixed(value, decimalsFor(increment)))),
          },
        ],
        series: [
          {},
          { scale: 'y', stroke: colours.accent, width: 1.6, spanGaps: false, points: { show: false } },
          { scale: 'y', stroke: colours.vwap, width: 1.25, spanGaps: false, points: { show: false } },
          unseen,
          unseen,
        ],
        hooks: {
          drawAxes: [(u) => this.paintUnder(u)],
          draw: [(u) => this.paintOver(u)],
          setCursor: [(u) => this.tellCursor(u)],
        },
      },
      [[], [], [], [], []],
      this.holder,
    );
  }

  private paintUnder(u: uPlot): void {
    const frame = this.frame(u);
    const { scene } = this;
    const [from, to] = visible(scene);
    layers.clipped(frame, () => {
      layers.paintStatus(frame, scene.statuses);
      layers.paintVolume(frame, scene.columns, scene.points, scene.stepMs, scene.view.fromMs, scene.view.toMs);
      layers.paintBand(frame, scene.columns, from, to);
      layers.paintGaps(frame, scene.gaps, scene.liveMs);
    });
    layers.paintDivider(frame);
  }

  private paintOver(u: uPlot): void {
    const frame = this.frame(u);
    const { scene } = this;
    const [from, to] = visible(scene);
    layers.clipped(frame, () => layers.paintLonely(frame, scene.columns, from, to));
    const font = `600 ${FONT_PX * frame.ratio}px ${FONT}`;
    if (scene.lastPrice !== null) {
      layers.paintTag(frame, Number(scene.lastPrice), exact(scene.lastPrice, scene.decimals), font);
    }
    this.paintVolumeLabel(frame);
  }

  private paintVolumeLabel(frame: layers.Frame): void {
    if (this.scene.points.length === 0) return;
    const { context, ratio, colours } = frame;
    context.save();
    context.font = `${FONT_PX * ratio}px ${FONT}`;
    context.fillStyle = colours.dim;
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    context.fillText(compact(this.volumeMax), frame.left + frame.width + 7 * ratio, frame.volume(this.volumeMax));
    context.restore();
  }

  private frame(u: uPlot): layers.Frame {
    const { left, top, width, height } = u.bbox;
    const ratio = uPlot.pxRatio;
    const volumeTop = top + height * (1 - VOLUME_SHARE);
    const room = height * VOLUME_SHARE - 8 * ratio;
    return {
      context: u.ctx,
      left,
      top,
      width,
      height,
      volumeTop,
      ratio,
      colours: palette(),
      x: (ms) => u.valToPos(ms, 'x', true),
      price: (value) => u.valToPos(value, 'y', true),
      volume: (value) => top + height - (value / this.volumeMax) * room,
    };
  }

  /** Labels only where price is drawn; below them is volume. */
  private priceSplits(_u: uPlot, _axis: number, low: number, high: number, increment: number): number[] {
    const floor = low + (high - low) * (VOLUME_SHARE + 0.015);
    const splits: number[] = [];
    for (let i = Math.ceil(floor / increment); i * increment <= high; i += 1) splits.push(i * increment);
    return splits;
  }

  /** Whether the tag of the live price covers the label of this value. */
  private underTag(u: uPlot, value: number): boolean {
    const price = this.scene.lastPrice;
    return price !== null && Math.abs(u.valToPos(value, 'y') - u.valToPos(Number(price), 'y')) < 15;
  }

  private greatestVolume(): number {
    const { points, view } = this.scene;
    let greatest = 0;
    for (const point of points) {
      if (point.atMs >= view.fromMs && point.atMs <= view.toMs) greatest = Math.max(greatest, Number(point.volume));
    }
    return greatest === 0 ? 1 : greatest;
  }

  private tellCursor(u: uPlot): void {
    const left = u.cursor.left ?? -1;
    const index = u.cursor.idx;
    if (left < 0) this.onCursor(null, null);
    else this.onCursor(index ?? null, u.posToVal(left, 'x'));
  }

  /** The holder's size is kept, because asking for it in the middle of a frame would force a layout. */
  private measure(): void {
    this.holderSize = { width: this.holder.clientWidth, height: this.holder.clientHeight };
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(120, this.holderSize.width), height: Math.max(120, this.holderSize.height) };
  }

  private resize(): void {
    this.measure();
    const size = this.size();
    if (size.width !== this.uplot.width || size.height !== this.uplot.height) this.uplot.setSize(size);
  }
}

/** The visible rows with one more on each side, so that lines run to the edge. */
function visible(scene: Scene): [number, number] {
  const { x } = scene.columns;
  const bound = (ms: number): number => {
    let [low, high] = [0, x.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((x[middle] ?? Infinity) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return [Math.max(0, bound(scene.view.fromMs) - 1), Math.min(x.length - 1, bound(scene.view.toMs))];
}

function priceRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  const span = high - low || Math.max(Math.abs(high) * 0.001, 1e-9);
  const top = high + span * PRICE_PAD;
  const bottom = low - span * PRICE_PAD;
  return [top - (top - bottom) / (1 - VOLUME_SHARE), top];
}
