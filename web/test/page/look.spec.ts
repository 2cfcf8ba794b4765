// How the page looks: themes, the phone, and the chart's own handling.

import { chartFacts, expect, openPage, rowOf, firstSymbol, test } from './world';

test('the theme follows the system until it is chosen, and the choice is remembered', async ({ page, world }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openPage(page, world);
  const root = page.locator('html');
  await expect(root).toHaveAttribute('data-theme', 'light');
  await page.keyboard.press('t');
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await page.reload();
  await expect(root).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('button', { name: /Dark or light/ }).click();
  await expect(root).toHaveAttribute('data-theme', 'light');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });
  test('nothing is wider than the screen', async ({ page, world }) => {
    await openPage(page, world);
    const wide = (): Promise<string[]> =>
      page.evaluate(() =>
        [document.documentElement, ...document.querySelectorAll('body *')]
          .filter(
            (node) =>
              node.getBoundingClientRect().right > innerWidth + 0.5 ||
              (node === document.documentElement && node.scrollWidth > innerWidth),
          )
          .map((node) => `${node.tagName}.${node.className}`),
      );
    expect(await wide()).toEqual([]);
    const symbol = await firstSymbol(page);
    await rowOf(page, symbol).tap();
    await expect(page.locator('.head-symbol')).toHaveText(symbol);
    await expect(page.locator('.list-pane')).toBeHidden();
    await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
    expect(await wide()).toEqual([]);
    await page.getByRole('button', { name: 'Close chart' }).tap();
    await expect(rowOf(page, symbol)).toBeVisible();
    await page.getByRole('button', { name: /Settings/ }).tap();
    expect(await wide()).toEqual([]);
  });
});

test('the chart pans, zooms, and returns to live', async ({ page, world }) => {
  await openPage(page, world);
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
  const start = await chartFacts(page);
  const box = await page.locator('.u-over').boundingBox();
  if (box === null || start === null) throw new Error('no plot');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 3];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 200, y, { steps: 5 });
  await page.mouse.up();
  await expect.poll(async () => (await chartFacts(page))?.follow).toBe(false);
  expect((await chartFacts(page))?.toMs).toBeLessThan(start.toMs);
  await expect(page.getByRole('button', { name: 'Live' })).toHaveAttribute('aria-pressed', 'false');
  await page.mouse.wheel(0, 1_500);
  await expect.poll(async () => span(await chartFacts(page))).toBeGreaterThan(span(start) * 1.2);
  await page.keyboard.press('3');
  await expect.poll(async () => (await chartFacts(page))?.stepMs).toBeGreaterThan(start.stepMs);
  await page.mouse.dblclick(x, y);
  await expect(page.getByRole('button', { name: 'Live' })).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('5');
  await expect(page.getByRole('button', { name: 'all', exact: true })).toHaveAttribute('aria-pressed', 'true');
});

const span = (facts: { fromMs: number; toMs: number } | null): number =>
  facts === null ? 0 : facts.toMs - facts.fromMs;

test('the legend shows the exact values under the cursor', async ({ page, world }) => {
  await openPage(page, world);
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
  const box = await page.locator('.u-over').boundingBox();
  if (box === null) throw new Error('no plot');
  await page.mouse.move(box.x + box.width * 0.9, box.y + 60);
  const time = await page.locator('.legend .l-time dd').textContent();
  await page.mouse.move(box.x + box.width * 0.8, box.y + 60);
  await expect(page.locator('.legend .l-time dd')).not.toHaveText(time ?? '');
});

test.describe('with fingers', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });
  test('one finger moves the chart, two zoom it', async ({ page, world }) => {
    await openPage(page, world);
    await rowOf(page, await firstSymbol(page)).tap();
    await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
    const start = await chartFacts(page);
    const touch = await page.context().newCDPSession(page);
    const send = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: number[]): Promise<unknown> =>
      touch.send('Input.dispatchTouchEvent', { type, touchPoints: xs.map((x, id) => ({ x, y: 480, id })) });
    await send('touchStart', 100);
    await send('touchMove', 150);
    await send('touchMove', 220);
    await send('touchEnd');
    await expect.poll(async () => (await chartFacts(page))?.follow).toBe(false);
    await send('touchStart', 120, 160);
    await send('touchMove', 90, 190);
    await send('touchMove', 60, 220);
    await send('touchEnd');
    await expect.poll(async () => span(await chartFacts(page))).toBeLessThan(span(start) * 0.6);
  });
});
