// What is painted by hand under and over the plot's lines: shaded spans, the min–max band, volume bars,
// and the tag of the live price. Every function gets the frame it paints in and leaves the context as it was.

import type { Point } from '../pure/series';
import type { GapSpan, PlotColumns, StatusSpan } from '../pure/spans';
import { hatch } from '../shell/canvas';
import type { ColourName, Palette } from '../shell/palette';

/** The drawing area in canvas pixels, and how times and values become places in it. */
export interface Frame {
  context: CanvasRenderingContext2D;
  left: number;
  top: number;
  width: number;
  height: number;
  /** Where price ends and volume begins. */
  volumeTop: number;
  ratio: number;
  x: (ms: number) => number;
  price: (value: number) => number;
  volume: (value: number) => number;
  colours: Palette;
}

const STATUS_FILL: Partial<Record<string, ColourName>> = {
  gap: 'gap-fill',
  warming: 'warming-fill',
  stale: 'stale-fill',
  provisional: 'provisional-fill',
};

export function clipped(frame: Frame, paint: () => void): void {
  const { context, left, top, width, height } = frame;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  paint();
  context.restore();
}

export function paintStatus(frame: Frame, spans: readonly StatusSpan[]): void {
  for (const span of spans) {
    const fill = STATUS_FILL[span.status];
    if (fill !== undefined) paintSpan(frame, span.fromMs, span.toMs, frame.colours[fill]);
  }
}

/** A gap: the panel's colour first, so that nothing seems to be there, then hatching and hard edges. */
export function paintGaps(frame: Frame, gaps: readonly GapSpan[], liveMs: number): void {
  for (const gap of gaps) {
    const toMs = Math.min(gap.toMs, liveMs);
    paintSpan(frame, gap.fromMs, toMs, frame.colours['gap-fill']);
    paintSpan(frame, gap.fromMs, toMs, hatch(frame.context, frame.colours));
    frame.context.fillStyle = frame.colours.gap;
    for (const edge of gap.open ? [gap.fromMs] : [gap.fromMs, toMs]) {
      frame.context.fillRect(Math.round(frame.x(edge)), frame.top, frame.ratio, frame.height);
    }
  }
}

function paintSpan(frame: Frame, fromMs: number, toMs: number, fill: string | CanvasPattern): void {
  const from = Math.max(frame.left, frame.x(fromMs));
  const to = Math.min(frame.left + frame.width, frame.x(toMs));
  if (to < frame.left || from > frame.left + frame.width) return;
  frame.context.fillStyle = fill;
  frame.context.fillRect(from, frame.top, Math.max(frame.ratio, to - from), frame.height);
}

/** The band between least and greatest price: one closed shape per unbroken stretch. */
export function paintBand(frame: Frame, columns: PlotColumns, from: number, to: number): void {
  frame.context.fillStyle = frame.colours.band;
  let start = -1;
  for (let i = from; i <= to + 1; i += 1) {
    const there = i <= to && columns.min[i] != null && columns.max[i] != null;
    if (there && start < 0) start = i;
    if (!there && start >= 0) {
      paintStretch(frame, columns, start, i - 1);
      start = -1;
    }
  }
}

function paintStretch(frame: Frame, columns: PlotColumns, from: number, to: number): void {
  const { context, ratio } = frame;
  context.beginPath();
  for (let i = from; i <= to; i += 1) context.lineTo(frame.x(columns.x[i] ?? 0), frame.price(columns.max[i] ?? 0));
  for (let i = to; i >= from; i -= 1) context.lineTo(frame.x(columns.x[i] ?? 0), frame.price(columns.min[i] ?? 0));
  context.closePath();
  context.fill();
  if (from === to) {
    const top = frame.price(columns.max[from] ?? 0);
    context.fillRect(
      frame.x(columns.x[from] ?? 0) - ratio,
      top - ratio,
      2 * ratio,
      frame.price(columns.min[from] ?? 0) - top + 2 * ratio,
    );
  }
}

/** Bars of the window's volume, at least a pixel wide; the tallest shows where they share one, and none inside a gap. */
export function paintVolume(
  frame: Frame,
  columns: PlotColumns,
  points: readonly Point[],
  stepMs: number,
  fromMs: number,
  toMs: number,
): void {
  const { context, ratio } = frame;
  const stepPx = frame.x(stepMs) - frame.x(0);
  const barPx = Math.max(ratio, stepPx > 3 * ratio ? stepPx * 0.72 : stepPx);
  const bottom = frame.top + frame.height;
  context.fillStyle = frame.colours.volume;
  for (const [i, source] of columns.source.entries()) {
    const point = points[source];
    if (point === undefined || columns.last[i] == null) continue;
    if (point.atMs < fromMs || point.atMs - stepMs > toMs || point.transactions === 0) continue;
    const top = frame.volume(Number(point.volume));
    context.fillRect(frame.x(point.atMs) - barPx / 2, top, barPx, bottom - top);
  }
}

/** A single point between two breaks has no line; a dot says it is there. */
export function paintLonely(frame: Frame, columns: PlotColumns, from: number, to: number): void {
  frame.context.fillStyle = frame.colours.accent;
  for (let i = from; i <= to; i += 1) {
    const price = columns.last[i];
    if (price == null || columns.last[i - 1] != null || columns.last[i + 1] != null) continue;
    frame.context.beginPath();
    frame.context.arc(frame.x(columns.x[i] ?? 0), frame.price(price), 1.75 * frame.ratio, 0, 2 * Math.PI);
    frame.context.fill();
  }
}

export function paintDivider(frame: Frame): void {
  frame.context.fillStyle = frame.colours.line;
  frame.context.fillRect(frame.left, frame.volumeTop, frame.width, frame.ratio);
}

/** A label on the price axis, and a dotted line to it: the price of this moment. */
export function paintTag(frame: Frame, price: number, text: string, font: string): void {
  const { context, ratio, colours } = frame;
  const y = frame.price(price);
  if (y < frame.top || y > frame.volumeTop) return;
  const right = frame.left + frame.width;
  context.save();
  context.strokeStyle = colours.accent;
  context.globalAlpha = 0.6;
  context.lineWidth = ratio;
  context.setLineDash([2 * ratio, 3 * ratio]);
  context.beginPath();
  context.moveTo(frame.left, Math.round(y));
  context.lineTo(right, Math.round(y));
  context.stroke();
  context.restore();
  context.save();
  context.font = font;
  context.fillStyle = colours.accent;
  const height = 17 * ratio;
  const width = context.measureText(text).width + 13 * ratio;
  // A price wider than the axis reaches into the plot: cut, it would be another price.
  const left = Math.min(right + ratio, context.canvas.width - width);
  context.fillRect(left, y - height / 2, width, height);
  context.fillStyle = colours['tag-text'];
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.fillText(text, left + 6 * ratio, y + 0.5 * ratio);
  context.restore();
}
