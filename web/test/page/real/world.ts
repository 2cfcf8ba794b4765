// The world of a test against the binary: one market for all tests of a run, or one of a test's own.

import { test as base, expect } from '@playwright/test';
import { Guard } from '../guard';
import { DemoMarket, RealMarket, type MarketOptions } from './market';
import type { Listing } from './tape';

export const HOSTILE = '<img src=x onerror=alert(1)>';
const FOLLOWED = ['SPY', 'QQQ', 'IWM', 'AAPL', 'MSFT', 'IBM', 'GE', 'XOM', 'JPM', 'KO', 'DIS', 'CAT'];
/** A symbol whose prices are wider than a column. */
export const LONG = 'LONG';
/** Symbols that trade and are not followed at first. */
const OTHERS = Array.from({ length: 31 }, (_, i) => `S${String(i).padStart(2, '0')}`);

const listing = (weight: number, symbol: string, i: number): Listing => ({ symbol, price: 150 + 11 * i, weight });

const MARKET: MarketOptions = {
  tape: {
    listings: [
      ...FOLLOWED.map((symbol, i) => listing(4, symbol, i)),
      ...[HOSTILE, ...OTHERS].map((symbol, i) => listing(1, symbol, i)),
      { symbol: LONG, price: 12_345_678, decimals: 6, weight: 1 },
    ],
    minutes: 20,
    stepMs: 25,
  },
  speed: 1,
  symbols: FOLLOWED,
};

export interface RealWorld {
  url: string;
  market: RealMarket;
}

interface Fixtures {
  guard: Guard;
  world: RealWorld;
  /** A market that only this test has, to be killed as it likes. */
  own: RealMarket;
  demo: DemoMarket;
}

export const test = base.extend<Fixtures, { shared: RealMarket }>({
  shared: [
    async ({}, use) => {
      const market = await RealMarket.start(MARKET);
      await use(market);
      await market.end();
    },
    { scope: 'worker' },
  ],
  guard: async ({ page }, use) => {
    const guard = new Guard(page);
    await use(guard);
    const complaints = await guard.complaints();
    await page.close();
    expect(complaints).toEqual([]);
  },
  world: async ({ shared, guard: _ }, use, info) => {
    await use({ url: shared.url, market: shared });
    if (info.status !== info.expectedStatus) await info.attach('server', { body: shared.server.output });
  },
  own: async ({}, use, info) => {
    const market = await RealMarket.start(MARKET);
    await use(market);
    if (info.status !== info.expectedStatus) await info.attach('server', { body: market.server.output });
    await market.end();
  },
  demo: async ({}, use) => {
    const market = new DemoMarket();
    await market.server.start();
    await use(market);
    await market.end();
  },
});

export { expect };
