// The page as it lives: it loads, numbers move, a cut feed shows, a lost server shows.

import type { SettingsAnswer } from '../../src/contract';
import { lineInGap } from './pixels';
import { addSymbol, chartFacts, expect, firstSymbol, openPage, rowOf, test } from './world';

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
    await openPage(page, world);
    await expect(page.locator('.simulated')).toBeHidden();
  });
});

test('late trades stand out at the foot, with their causes', async ({ page, world }) => {
  await openPage(page, world);
  const late = page.locator('.r-late-dropped dd');
  await expect(late).toHaveText('0');
  await expect(late).not.toHaveClass(/alarm/);
  world.mock.control({ action: 'late' });
  await expect(late).toHaveText('3');
  await expect(late).toHaveClass(/alarm/);
  await expect(late).toHaveAttribute('title', '3: 2 delayed, 1 out of order');
});

test('a cut feed shows as a gap within two seconds', async ({ page, world }) => {
  await openPage(page, world);
  const symbol = await firstSymbol(page);
  const before = (await chartFacts(page))?.openGaps;
  expect(before).toBe(0);
  const cutAt = performance.now();
  world.mock.control({ action: 'cut' });
  await expect(rowOf(page, symbol).locator('.badge')).toHaveText('gap', { timeout: 2_000 });
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 2_000, intervals: [50] }).toBe(1);
  await expect(page.locator('.pill.feed')).toHaveText('Feed disconnected', { timeout: 2_000 });
  test.info().annotations.push({ type: 'gap shown after', description: `${Math.round(performance.now() - cutAt)} ms` });
  world.mock.control({ action: 'resume' });
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 20_000 }).toBe(0);
});

test.describe('without gaps in its past', () => {
  test.use({ mockOptions: { pastGaps: [] } });
  test('the line is not drawn through a gap', async ({ page, world }) => {
    await openPage(page, world);
    for (let i = 0; i < 12; i += 1) await page.keyboard.press('+');
    await expect.poll(async () => (await chartFacts(page))?.segments).toBe(1);
    world.mock.control({ action: 'cut' });
    await expect.poll(async () => (await chartFacts(page))?.openGaps).toBe(1);
    const cutMs = Date.now();
    await expect.poll(() => Date.now() - cutMs, { intervals: [250] }).toBeGreaterThan(3_000);
    world.mock.control({ action: 'resume' });
    await expect.poll(async () => (await chartFacts(page))?.segments, { timeout: 30_000 }).toBe(2);
    const pixels = await page.evaluate(lineInGap);
    expect(pixels.gapWidth).toBeGreaterThan(6);
    expect(pixels.outside).toBeGreaterThan(50);
    expect(pixels.inside).toBe(0);
  });
});

test('a server that falls silent is noticed, and the page comes back by itself', async ({ page, world }) => {
  await openPage(page, world);
  world.mock.control({ action: 'mute' });
  await expect(page.locator('.pill.server')).toHaveText(/Reconnecting|Connecting/, { timeout: 8_000 });
  await expect(page.locator('.notice.error')).toContainText('Not connected to the server');
  world.mock.control({ action: 'unmute' });
  await expect(page.locator('.pill.server')).toHaveText('Server connected', { timeout: 15_000 });
  await expect(page.locator('.notice')).toHaveCount(0);
});

test('a window that went away meanwhile is left by list and chart', async ({ page, world }) => {
  await openPage(page, world);
  await page.keyboard.press('w');
  await expect(page.locator('.head-activity')).toContainText('in 5m');
  world.mock.control({ action: 'mute' });
  const url = `${world.url}api/v1/settings`;
  const { revision, settings } = (await (await fetch(url)).json()) as SettingsAnswer;
  const change = JSON.stringify({ revision, settings: { ...settings, windows: ['60s'] } });
  const headers = { 'Content-Type': 'application/json', 'X-Stock-Up': '1' };
  const answer = await fetch(url, { method: 'PUT', body: change, headers });
  expect(answer.status).toBe(200);
  // The pill alone says "Connecting" for the other window length, too.
  await expect(page.locator('.notice.error')).toContainText('Not connected to the server', { timeout: 8_000 });
  world.mock.control({ action: 'unmute' });
  await expect(page.locator('.head-activity')).toContainText('in 60s', { timeout: 15_000 });
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(10);
  const points = (await chartFacts(page))?.points ?? 0;
  await expect.poll(async () => (await chartFacts(page))?.points).toBeGreaterThan(points);
});

test('a broken connection is taken up again', async ({ page, world }) => {
  world.expectErrors(/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION/);
  await openPage(page, world);
  const again = page.waitForRequest(/api\/v1\/live/);
  world.mock.control({ action: 'drop' });
  await again;
  await expect(page.locator('.pill.server')).toHaveText('Server connected');
});

test('a refused feed shows the reason', async ({ page, world }) => {
  await openPage(page, world);
  world.mock.control({ action: 'refuse', detail: 'the venue answered 401: the token is not valid' });
  await expect(page.locator('.notice.error')).toContainText('The venue answered 401: the token is not valid');
  await expect(page.locator('.pill.feed')).toHaveText('Feed refused');
});

test('refused settings show the reason', async ({ page, world }) => {
  await openPage(page, world);
  world.mock.control({ action: 'refuse_settings', detail: 'line 3: window `60x` is no duration' });
  await expect(page.locator('.notice.warn')).toContainText('Line 3: window `60x` is no duration');
  world.mock.control({ action: 'accept_settings' });
  await expect(page.locator('.notice')).toHaveCount(0);
});

test.describe('without symbols', () => {
  test.use({ mockOptions: { symbols: [] } });
  test('the page says what to do, and doing it helps', async ({ page, world }) => {
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
