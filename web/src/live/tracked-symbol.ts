// What the page knows of one symbol: its live row, the last price it had, and its sparkline.

import { msOf, type Row } from '../contract';
import { decimalsOf } from '../pure/format';
import { Series } from '../pure/series';

export const SPARK_SPAN_MS = 15 * 60_000;
const SPARK_STEP_MS = 5_000;
const DECIMALS_MIN = 2;
const DECIMALS_SHOWN_MAX = 8;

export interface KnownPrice {
  text: string;
  atMs: number;
}

export class TrackedSymbol {
  row: Row | null = null;
  /** The newest price seen, kept when the window empties. */
  price: KnownPrice | null = null;
  /** Direction of the last price change: 1, -1, or 0 before there was one. */
  direction = 0;
  /** Counts price changes, so that a view can tell a new one. */
  moves = 0;
  decimals = DECIMALS_MIN;
  spark: Series;
  /** Whether the stored part of the sparkline has been asked for. */
  sparkAsked = false;

  constructor(
    readonly symbol: string,
    gridMs: number,
  ) {
    this.spark = emptySpark(gridMs);
  }

  takeRow(row: Row): void {
    this.row = row;
    if (row.last_price !== null) this.takePrice(row.last_price, msOf(row.timestamp_ns));
  }

  takePoint(row: Row): void {
    this.spark.upsert(row);
    this.spark.dropBefore(msOf(row.timestamp_ns) - SPARK_SPAN_MS);
  }

  /** Puts stored history under the points that came while it was fetched. */
  takeHistory(history: Series): void {
    const lastMs = history.lastMs ?? -Infinity;
    for (const point of this.spark.points) if (point.atMs > lastMs) history.points.push(point);
    this.spark = history;
    const newest = history.points.findLast((point) => point.last_price !== null);
    if (this.price === null && newest?.last_price != null) this.takePrice(newest.last_price, newest.atMs);
  }

  resetSeries(gridMs: number): void {
    this.row = null;
    this.sparkAsked = false;
    this.spark = emptySpark(gridMs);
  }

  /** The price that changes are measured against: the oldest drawn point of the sparkline. */
  get reference(): KnownPrice | null {
    const oldest = this.spark.points.find((point) => point.last_price !== null);
    return oldest?.last_price == null ? null : { text: oldest.last_price, atMs: oldest.atMs };
  }

  get change(): { absolute: number; percent: number } | null {
    const reference = Number(this.reference?.text ?? NaN);
    const price = Number(this.price?.text ?? NaN);
    const absolute = price - reference;
    return Number.isFinite(absolute) ? { absolute, percent: (absolute / reference) * 100 } : null;
  }

  private takePrice(text: string, atMs: number): void {
    if (this.price !== null && this.price.text !== text) {
      this.direction = Math.sign(Number(text) - Number(this.price.text));
      this.moves += 1;
    }
    this.price = { text, atMs };
    this.decimals = Math.min(DECIMALS_SHOWN_MAX, Math.max(this.decimals, decimalsOf(text)));
  }
}

export function sparkStepMs(gridMs: number): number {
  return Math.max(1, Math.ceil(SPARK_STEP_MS / gridMs)) * gridMs;
}

const emptySpark = (gridMs: number): Series => new Series(sparkStepMs(gridMs), gridMs);
