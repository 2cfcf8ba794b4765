// The page as it lives: it loads, numbers move, a cut feed shows, a lost server shows.

import { addSymbol, chartFacts, expect, firstSymbol, mockOnly, openPage, rowOf, test } from './world';

test('it loads and numbers move', async ({ page, world }) => {
  await openPage(page, world);
  const last = page.locator('tr.row td.c-last').first();
  const before = await last.textContent();
  await expect(last).not.toHaveText(before ?? '');
  await expect(page.locator('.pill.feed')).toHaveText('Feed live');
  await expect(page.locator('.r-trades-per-second dd')).toHaveText(/^\d/);
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
});

test('a simulated market says so', async ({ page, world }) => {
  await openPage(page, world);
  const badge = page.locator('.simulated');
  await expect(badge).toBeVisible();
  await expect(badge).toHaveText(/simulated market/i);
});

test.describe('a real market', () => {
  test.use({ mockOptions: { simulated: false } });
  test('is not called simulated', async ({ page, world }) => {
    mockOnly(world);
    await openPage(page, world);
    await expect(page.locator('.simulated')).toBeHidden();
  });
});

test('a cut feed shows as a gap within two seconds', async ({ page, world }) => {
  await openPage(page, world);
  const symbol = await firstSymbol(page);
  const before = (await chartFacts(page))?.openGaps;
  expect(before).toBe(0);
  const cutAt = performance.now();
  await world.control('cut');
  await expect(rowOf(page, symbol).locator('.badge')).toHaveText('gap', { timeout: 2_000 });
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 2_000, intervals: [50] }).toBe(1);
  await expect(page.locator('.pill.feed')).toHaveText('Feed disconnected', { timeout: 2_000 });
  test.info().annotations.push({ type: 'gap shown after', description: `${Math.round(performance.now() - cutAt)} ms` });
  await world.control('resume');
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 20_000 }).toBe(0);
});

test('the line is not drawn through a gap', async ({ page, world }) => {
  await openPage(page, world);
  for (let i = 0; i < 12; i += 1) await page.keyboard.press('+');
  const start = (await chartFacts(page))?.segments ?? 0;
  await world.control('cut');
  await expect.poll(async () => (await chartFacts(page))?.openGaps).toBe(1);
  const cutMs = Date.now();
  await expect.poll(() => Date.now() - cutMs, { intervals: [250] }).toBeGreaterThan(3_000);
  await world.control('resume');
  await expect
    .poll(async () => (await chartFacts(page))?.segments, { timeout: 30_000 })
    .toBeGreaterThan(Math.max(1, start));
  const pixels = await page.evaluate(lineInGap);
  expect(pixels.gapWidth).toBeGreaterThan(6);
  expect(pixels.outside).toBeGreaterThan(50);
  expect(pixels.inside).toBe(0);
});

/** Counts pixels in the price line's colour inside and outside the newest gap. Runs in the page. */
async function lineInGap(): Promise<{ inside: number; outside: number; gapWidth: number }> {
  const { gaps } = (await (await fetch('api/v1/gaps')).json()) as { gaps: { from_ns: number; to_ns: number | null }[] };
  const gap = gaps[gaps.length - 1];
  const chart = (globalThis as unknown as { stockUp: { chart: { fromMs: number; toMs: number } } }).stockUp.chart;
  const canvas = document.querySelector<HTMLCanvasElement>('.plot canvas');
  const over = document.querySelector<HTMLElement>('.u-over');
  const context = canvas?.getContext('2d');
  if (gap === undefined || gap.to_ns === null || over === null || canvas === null || context == null)
    throw new Error('no gap, no plot');
  const { fromMs, toMs } = chart;
  const left = over.offsetLeft * devicePixelRatio;
  const width = over.offsetWidth * devicePixelRatio;
  const x = (ns: number): number => left + ((ns / 1e6 - fromMs) / (toMs - fromMs)) * width;
  const [from, to] = [x(gap.from_ns) + 3, x(gap.to_ns) - 3];
  const height = over.offsetHeight * devicePixelRatio;
  const { data } = context.getImageData(
    0,
    over.offsetTop * devicePixelRatio,
    Math.round(left + width),
    Math.round(height),
  );
  const row = Math.round(left + width);
  let [inside, outside] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const near =
      Math.abs((data[i] ?? 0) - 88) + Math.abs((data[i + 1] ?? 0) - 166) + Math.abs((data[i + 2] ?? 0) - 255) < 24;
    const at = (i / 4) % row;
    if (near && at >= from && at <= to) inside += 1;
    else if (near) outside += 1;
  }
  return { inside, outside, gapWidth: to - from };
}

test('a server that falls silent is noticed, and the page comes back by itself', async ({ page, world }) => {
  mockOnly(world);
  await openPage(page, world);
  world.mock.control({ action: 'mute' });
  await expect(page.locator('.pill.server')).toHaveText(/Reconnecting|Connecting/, { timeout: 8_000 });
  await expect(page.locator('.notice.error')).toContainText('Not connected to the server');
  world.mock.control({ action: 'unmute' });
  await expect(page.locator('.pill.server')).toHaveText('Server connected', { timeout: 15_000 });
  await expect(page.locator('.notice')).toHaveCount(0);
});

test('a broken connection is taken up again', async ({ page, world }) => {
  mockOnly(world);
  world.expectErrors(/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION/);
  await openPage(page, world);
  const again = page.waitForRequest(/api\/v1\/live/);
  world.mock.control({ action: 'drop' });
  await again;
  await expect(page.locator('.pill.server')).toHaveText('Server connected');
});

test('a refused feed shows the reason', async ({ page, world }) => {
  mockOnly(world);
  await openPage(page, world);
  world.mock.control({ action: 'refuse', detail: 'the venue answered 401: the token is not valid' });
  await expect(page.locator('.notice.error')).toContainText('The venue answered 401: the token is not valid');
  await expect(page.locator('.pill.feed')).toHaveText('Feed refused');
});

test('refused settings show the reason', async ({ page, world }) => {
  mockOnly(world);
  await openPage(page, world);
  world.mock.control({ action: 'refuse_settings', detail: 'line 3: window `60x` is no duration' });
  await expect(page.locator('.notice.warn')).toContainText('Line 3: window `60x` is no duration');
  world.mock.control({ action: 'accept_settings' });
  await expect(page.locator('.notice')).toHaveCount(0);
});

test.describe('without symbols', () => {
  test.use({ mockOptions: { symbols: [] } });
  test('the page says what to do, and doing it helps', async ({ page, world }) => {
    mockOnly(world);
    await page.goto(world.url);
    await expect(page.locator('.empty h2')).toHaveText('No symbols yet');
    await page.getByRole('button', { name: 'Add a symbol' }).click();
    await expect(page.getByLabel('Add a symbol')).toBeFocused();
    await addSymbol(page, 'spy');
    await expect(rowOf(page, 'SPY')).toBeVisible();
    await expect(page.locator('.empty')).toBeHidden();
  });
});

test.describe('with a token', () => {
  test.use({ mockOptions: { token: 'open-sesame' } });
  test('the page asks for it, says when it is wrong, and opens with the right one', async ({ page, world }) => {
    mockOnly(world);
    await page.goto(world.url);
    const token = page.getByLabel('Token', { exact: true });
    await expect(token).toBeFocused();
    await token.fill('wrong');
    await token.press('Enter');
    await expect(page.locator('#login-error')).toHaveText('that is not the token of this server');
    await token.fill('open-sesame');
    await token.press('Enter');
    await expect(page.locator('tr.row td.c-last').first()).toHaveText(/\d/);
    await expect(page.locator('dialog[open]')).toHaveCount(0);
  });
});
