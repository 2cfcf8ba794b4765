// The page on the binary as it lives: numbers move, names are text, nothing overflows.

import type { Page } from '@playwright/test';
import { addSymbol, chartFacts, openPage, rowOf } from '../world';
import { expect, HOSTILE, LONG, test } from './world';

test('it loads and numbers move', async ({ page, world }) => {
  await openPage(page, world, '#/SPY');
  await expect(page.locator('tr.row')).toHaveCount(12);
  const prices = page.locator('tr.row td.c-last');
  const before = await prices.allTextContents();
  await expect
    .poll(async () => (await prices.allTextContents()).filter((text, i) => text !== before[i]).length)
    .toBeGreaterThan(6);
  await expect(page.locator('.pill.feed')).toHaveText('Feed live');
  await expect.poll(() => tradesPerSecond(page)).toBeGreaterThan(0);
  const points = (await chartFacts(page))?.points ?? 0;
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(points + 2);
  await expect(page.locator('.simulated')).toBeHidden();
});

test('the demo market says that it is simulated', async ({ page, demo, guard: _ }) => {
  await openPage(page, demo);
  await expect(page.locator('.simulated')).toBeVisible();
  await expect(page.locator('.simulated')).toHaveText(/simulated market/i);
  const last = page.locator('tr.row td.c-last').first();
  await expect(last).not.toHaveText((await last.textContent()) ?? '');
  await expect.poll(() => tradesPerSecond(page)).toBeGreaterThan(0);
  await expect(page.locator('.r-log-bytes dd')).toHaveText(/^[1-9]/, { timeout: 3_000 });
});

test('a hostile name that trades is text, with its numbers', async ({ page, world }) => {
  await openPage(page, world);
  await addSymbol(page, HOSTILE);
  const row = rowOf(page, HOSTILE);
  await expect(row.locator('.symbol')).toHaveText(HOSTILE);
  await expect(row.locator('td.c-last')).toHaveText(/\d/, { timeout: 20_000 });
  await expect(page.locator('.head-symbol')).toHaveText(HOSTILE);
  await expect(page.locator('.head-price')).toHaveText(/\d/);
  await expect(page).toHaveTitle(`${HOSTILE} · stock-up`);
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(0);
  await page.reload();
  await expect(row.locator('td.c-last')).toHaveText(/\d/);
  await row.hover();
  await row.locator('.remove').click();
  await expect(page.locator('.toast')).toContainText(HOSTILE);
  await expect(row).toHaveCount(0);
  await expect(page.locator('img')).toHaveCount(0);
});

test('a long number is shown whole, and inside its column', async ({ page, world }) => {
  await openPage(page, world);
  await addSymbol(page, LONG);
  const row = rowOf(page, LONG);
  await expect(row.locator('td.c-last')).toHaveText(/^[\d\u202f]{10}\.\d{6}$/, { timeout: 20_000 });
  const leaving = await row.evaluate((node) =>
    [...node.querySelectorAll('td')]
      .filter((td) => {
        const text = document.createRange();
        text.selectNodeContents(td);
        const [inner, outer] = [text.getBoundingClientRect(), td.getBoundingClientRect()];
        return inner.left < outer.left - 0.5 || inner.right > outer.right + 0.5 || inner.bottom > outer.bottom + 0.5;
      })
      .map((td) => td.className),
  );
  expect(leaving).toEqual([]);
  await row.hover();
  await row.locator('.remove').click();
  await expect(row).toHaveCount(0);
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });
  test('nothing is wider than the screen', async ({ page, world }) => {
    await openPage(page, world);
    expect(await tooWide(page)).toEqual([]);
    await rowOf(page, 'SPY').tap();
    await expect(page.locator('.head-symbol')).toHaveText('SPY');
    await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(2);
    expect(await tooWide(page)).toEqual([]);
  });
});

const tradesPerSecond = async (page: Page): Promise<number> =>
  Number((await page.locator('.r-trades-per-second dd').textContent())?.replace('k', '000') ?? 0);

const tooWide = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll('body *')]
      .filter(
        (node) =>
          node.getBoundingClientRect().right > innerWidth + 0.5 ||
          (node === document.documentElement && node.scrollWidth > innerWidth),
      )
      .map((node) => `${node.tagName}.${node.className}`),
  );
