// Takes docs/page.png: the binary STOCK_UP_BIN captures a generated tape at thirty times its speed, with one cut.

import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { openPage } from '../test/page/world';
import { RealMarket } from '../test/page/real/market';

const PICTURE = fileURLToPath(new URL('../../docs/page.png', import.meta.url));
const SPEED = 30;
/** Prices as they may have been; the trades themselves are made up. */
const LISTINGS: [symbol: string, price: number, weight: number][] = [
  ['SPY', 158.67, 12],
  ['QQQ', 69.84, 6],
  ['IWM', 94.12, 5],
  ['AAPL', 435.69, 8],
  ['MSFT', 30.28, 6],
  ['IBM', 212.0, 3],
  ['GE', 23.47, 4],
  ['XOM', 89.3, 3],
  ['JPM', 48.96, 3],
  ['KO', 41.16, 2],
  ['DIS', 59.37, 2],
  ['CAT', 86.2, 2],
  ['WMT', 78.12, 2],
  ['PG', 79.05, 2],
  ['JNJ', 82.4, 2],
  ['CSCO', 21.37, 3],
  ['INTC', 21.88, 3],
  ['T', 38.09, 2],
  ['GLD', 150.71, 2],
  ['TLT', 120.44, 2],
];

test('the picture of the README', async ({ page }) => {
  const market = await RealMarket.start({
    tape: {
      listings: LISTINGS.map(([symbol, price, weight]) => ({ symbol, price, weight })),
      minutes: 40,
      stepMs: 50,
      seed: 7,
    },
    speed: SPEED,
    symbols: LISTINGS.map(([symbol]) => symbol),
  });
  try {
    await openPage(page, market, '#/SPY');
    await tapeMinutes(page, 11);
    await market.venue.cut();
    await tapeMinutes(page, 0.3);
    await market.venue.resume();
    await tapeMinutes(page, 7);
    await expect(page.locator('.pill.feed')).toHaveText('Feed live');
    await page.screenshot({ path: PICTURE });
  } finally {
    await market.end();
  }
  console.log(`${PICTURE}: ${Math.round(statSync(PICTURE).size / 1_000)} kB`);
});

const tapeMinutes = (page: { waitForTimeout: (ms: number) => Promise<void> }, minutes: number): Promise<void> =>
  page.waitForTimeout((minutes * 60_000) / SPEED);
