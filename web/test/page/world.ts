// The world of a test against the mock: a server with a made-up market, a way to cut its feed, and the guard.
// Below it, what every page test says of the page, whatever serves it.

import { test as base, expect, type Page } from '@playwright/test';
import { MockServer, type MockOptions } from '../../mock/server.mjs';
import { Guard } from './guard';

export interface World {
  url: string;
  mock: MockServer;
  /** Errors the test provokes on purpose. */
  expectErrors: (pattern: RegExp) => void;
}

export interface ChartFacts {
  segments: number;
  gaps: number;
  openGaps: number;
  points: number;
  stepMs: number;
  fromMs: number;
  toMs: number;
  follow: boolean;
}

interface Fixtures {
  mockOptions: MockOptions;
  world: World;
}

export const test = base.extend<Fixtures>({
  mockOptions: [{}, { option: true }],
  world: async ({ page, mockOptions }, use) => {
    const mock = new MockServer(mockOptions);
    const url = await mock.listen();
    const guard = new Guard(page);
    await use({ url, mock, expectErrors: (pattern) => guard.allow(pattern) });
    const complaints = await guard.complaints();
    await page.close();
    await mock.close();
    expect(complaints).toEqual([]);
  },
});

export { expect };

/** Opens the page and waits until it shows live numbers. */
export async function openPage(page: Page, world: Pick<World, 'url'>, hash = ''): Promise<void> {
  await page.goto(world.url + hash);
  await expect(page.locator('.pill.server')).toHaveText('Server connected');
  await expect(page.locator('tr.row td.c-last').first()).toHaveText(/\d/);
}

export const chartFacts = (page: Page): Promise<ChartFacts | null> =>
  page.evaluate(() => (globalThis as unknown as { stockUp: { chart: ChartFacts | null } }).stockUp.chart);

export const rowOf = (page: Page, symbol: string) =>
  page.locator('tr.row').filter({ has: page.getByRole('button', { name: symbol, exact: true }) });

export const firstSymbol = async (page: Page): Promise<string> =>
  (await page.locator('tr.row .symbol').first().textContent()) ?? '';

export async function addSymbol(page: Page, symbol: string): Promise<void> {
  await page.getByLabel('Add a symbol').fill(symbol);
  await page.getByLabel('Add a symbol').press('Enter');
}
