// Recorded trades for the venue to play: a random walk per symbol, the same for the same seed.
// They are dated 2013, so that the log's time follows the trades and not the machine's clock.

import { writeFileSync } from 'node:fs';

export const FIRST_MS = Date.UTC(2013, 3, 10, 13, 30);

export interface Listing {
  symbol: string;
  price: number;
  /** Decimals of its prices; 2 unless told. */
  decimals?: number;
  /** How often it trades, relative to the others. */
  weight: number;
}

export interface TapeOptions {
  listings: readonly Listing[];
  minutes: number;
  /** From one trade to the next, of all symbols together. */
  stepMs: number;
  seed?: number;
}

export function writeTape(path: string, { listings, minutes, stepMs, seed = 1 }: TapeOptions): void {
  const random = mulberry32(seed);
  const walks = listings.map(({ symbol, price, decimals = 2 }) => ({ symbol, price, decimals, drift: 0 }));
  const places = listings.flatMap(({ weight }, i) => Array<number>(weight).fill(i));
  const lines = ['timestamp_ns,symbol,price,size'];
  for (let atMs = 0; atMs < minutes * 60_000; atMs += stepMs) {
    const walk = walks[places[Math.floor(random() * places.length)] ?? 0];
    if (walk === undefined) throw new Error('a tape needs a symbol');
    // The drift wanders and is pulled back, so that a chart has swings and no trend without end.
    walk.drift = walk.drift * 0.995 + (random() - 0.5) * 1.5e-6;
    walk.price *= 1 + walk.drift + (random() - 0.5) * 1.6e-4;
    const activity = 1 + 0.5 * Math.sin(atMs / 97_000) + 0.4 * Math.sin(atMs / 31_000);
    const size = 100 * Math.ceil(random() ** 4 * 12 * activity);
    lines.push(`${FIRST_MS + atMs}000000,${walk.symbol},${walk.price.toFixed(walk.decimals)},${size}`);
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
}

/** A small generator with a seed; its quality is enough for prices that nobody trades on. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
