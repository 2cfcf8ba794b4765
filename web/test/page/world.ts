// The world a page test runs in: a server (the mock, or the one STOCK_UP_URL names), a way to cut its feed,
// and a guard that fails the test on any console error, page error, dialog or violation of the content policy.

import { test as base, expect, type Page } from '@playwright/test';
import { MockServer, type MockOptions } from '../../mock/server.mjs';

export interface World {
  url: string;
  /** Only with the mock; tests that need it skip otherwise. */
  mock: MockServer | null;
  control: (action: 'cut' | 'resume') => Promise<void>;
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

/** The browser reports every refused request as an error; tests that provoke one check its message themselves. */
const REFUSED_REQUEST = /Failed to load resource: the server responded with a status of 4\d\d/;

export const test = base.extend<Fixtures>({
  mockOptions: [{}, { option: true }],
  world: async ({ page, mockOptions }, use) => {
    const outside = process.env['STOCK_UP_URL'];
    const mock = outside === undefined ? new MockServer(mockOptions) : null;
    const url = outside ?? (await mock?.listen()) ?? '';
    const guard = watch(page);
    await use({
      url,
      mock,
      control: (action) => control(mock, action),
      expectErrors: (pattern) => guard.allowed.push(pattern),
    });
    const violations = await page
      .evaluate(() => (globalThis as { violations?: string[] }).violations ?? [])
      .catch(() => []);
    await page.close();
    await mock?.close();
    expect(guard.errors.filter((text) => !guard.allowed.some((pattern) => pattern.test(text)))).toEqual([]);
    expect(violations).toEqual([]);
  },
});

export { expect };

function watch(page: Page): { errors: string[]; allowed: RegExp[] } {
  const guard = { errors: [] as string[], allowed: [REFUSED_REQUEST] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') guard.errors.push(message.text());
  });
  page.on('pageerror', (error) => guard.errors.push(String(error)));
  page.on('dialog', (dialog) => {
    guard.errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  void page.addInitScript(() => {
    const violations: string[] = ((globalThis as { violations?: string[] }).violations = []);
    document.addEventListener('securitypolicyviolation', (event) =>
      violations.push(`${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return guard;
}

async function control(mock: MockServer | null, action: 'cut' | 'resume'): Promise<void> {
  if (mock !== null) {
    mock.control({ action });
    return;
  }
  const url = process.env['STOCK_UP_CONTROL'];
  test.skip(url === undefined, 'STOCK_UP_CONTROL is not set: the feed cannot be cut');
  const response = await fetch(url ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action }),
  });
  expect(response.ok).toBe(true);
}

/** Opens the page and waits until it shows live numbers. */
export async function openPage(page: Page, world: World, hash = ''): Promise<void> {
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

export function mockOnly(world: World): asserts world is World & { mock: MockServer } {
  test.skip(world.mock === null, 'needs a hook that only the mock has');
}

export async function addSymbol(page: Page, symbol: string): Promise<void> {
  await page.getByLabel('Add a symbol').fill(symbol);
  await page.getByLabel('Add a symbol').press('Enter');
}
