// Canvas helpers shared by sparkline and chart.

import type { Palette } from './palette';

export interface Size {
  width: number;
  height: number;
}

/**
 * Sizes a canvas for the screen's pixels and returns its context, cleared, in CSS pixels.
 * The size is handed in, because asking the canvas for it in the middle of a frame would force a layout.
 */
export function fitCanvas(canvas: HTMLCanvasElement, { width, height }: Size): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio || 1;
  const context = canvas.getContext('2d');
  if (context === null || width === 0 || height === 0) return null;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const TILE = 8;
const hatches = new Map<string, CanvasPattern>();

/** Diagonal lines in the gap's colour: the mark of "nothing was observed here". */
export function hatch(context: CanvasRenderingContext2D, colours: Palette): CanvasPattern | string {
  const known = hatches.get(colours.gap);
  if (known !== undefined) return known;
  const tile = document.createElement('canvas');
  tile.width = TILE;
  tile.height = TILE;
  const pen = tile.getContext('2d');
  const pattern = pen === null ? null : (drawTile(pen, colours), context.createPattern(tile, 'repeat'));
  if (pattern === null) return colours['gap-fill'];
  hatches.set(colours.gap, pattern);
  return pattern;
}

function drawTile(pen: CanvasRenderingContext2D, colours: Palette): void {
  pen.strokeStyle = colours.gap;
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.2;
  pen.beginPath();
  for (const shift of [-TILE, 0, TILE]) {
    pen.moveTo(shift, TILE);
    pen.lineTo(shift + TILE, 0);
  }
  pen.stroke();
}
