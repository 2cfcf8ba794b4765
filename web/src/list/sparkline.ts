// The last 15 minutes of one symbol as a line the size of a word.
// It breaks where the chart would break, and shades gaps, so that it cannot lie either.

import { SPARK_SPAN_MS, type TrackedSymbol } from '../live/tracked-symbol';
import { fitCanvas, type Size } from '../shell/canvas';
import { palette } from '../shell/palette';
import { strokes, type GapSpan } from '../pure/spans';

const PAD = 3;

/** What a sparkline is drawn from, beside its symbol. */
export interface SparkScene {
  gaps: readonly GapSpan[];
  nowMs: number;
  size: Size;
}

export function drawSparkline(
  canvas: HTMLCanvasElement,
  tracked: TrackedSymbol,
  { gaps, nowMs, size }: SparkScene,
): void {
  const context = fitCanvas(canvas, size);
  if (context === null) return;
  const { width, height } = size;
  const colours = palette();
  const fromMs = nowMs - SPARK_SPAN_MS;
  const x = (ms: number): number => ((Math.min(ms, nowMs) - fromMs) / SPARK_SPAN_MS) * (width - 2);

  context.fillStyle = colours['gap-fill'];
  for (const gap of gaps) {
    if (gap.toMs < fromMs) continue;
    const left = Math.max(0, x(gap.fromMs));
    context.fillRect(left, 0, Math.max(1, x(gap.toMs) - left), height);
  }

  const range = priceRange(tracked);
  if (range === null) return;
  const y = (price: number): number =>
    range.high === range.low
      ? height / 2
      : PAD + ((range.high - price) / (range.high - range.low)) * (height - 2 * PAD);

  drawReference(context, y(range.reference), width, colours.faint);
  const change = tracked.change?.absolute ?? 0;
  context.strokeStyle = change > 0 ? colours.up : change < 0 ? colours.down : colours.dim;
  drawLine(context, tracked, gaps, x, y);
}

function drawReference(context: CanvasRenderingContext2D, at: number, width: number, colour: string): void {
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.setLineDash([1, 3]);
  context.beginPath();
  context.moveTo(0, Math.round(at) + 0.5);
  context.lineTo(width, Math.round(at) + 0.5);
  context.stroke();
  context.setLineDash([]);
}

function drawLine(
  context: CanvasRenderingContext2D,
  tracked: TrackedSymbol,
  gaps: readonly GapSpan[],
  x: (ms: number) => number,
  y: (price: number) => number,
): void {
  const { points, stepMs } = tracked.spark;
  const marks = strokes(points, stepMs, gaps);
  context.lineWidth = 1.25;
  context.lineJoin = 'round';
  context.beginPath();
  points.forEach((point, i) => {
    const mark = marks[i];
    if (mark === undefined || !mark.drawn) return;
    const [px, py] = [x(point.atMs), y(Number(point.last_price))];
    if (mark.joined) context.lineTo(px, py);
    else {
      context.moveTo(px, py);
      if (marks[i + 1]?.joined !== true) context.lineTo(px + 1, py);
    }
  });
  context.stroke();
}

function priceRange(tracked: TrackedSymbol): { low: number; high: number; reference: number } | null {
  const reference = Number(tracked.reference?.text ?? NaN);
  if (!Number.isFinite(reference)) return null;
  let [low, high] = [Infinity, -Infinity];
  for (const point of tracked.spark.points) {
    if (point.last_price === null) continue;
    const price = Number(point.last_price);
    low = Math.min(low, price);
    high = Math.max(high, price);
  }
  return { low, high, reference };
}
