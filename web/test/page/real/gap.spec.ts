// What was not observed, on the binary: a cut feed and a killed server are gaps, and stay gaps.

import type { Page } from '@playwright/test';
import { gapEdges, lineInGap } from '../pixels';
import { chartFacts, openPage, rowOf } from '../world';
import { expect, test } from './world';

const HELD_MS = 3_000;

test('a cut feed shows as a gap within two seconds, and stays one', async ({ page, world }) => {
  test.setTimeout(90_000);
  await openPage(page, world, '#/SPY');
  await seeLine(page);
  const badge = rowOf(page, 'SPY').locator('.badge');
  await expect(badge).not.toHaveText('gap');
  const before = await chartFacts(page);
  expect(before?.openGaps).toBe(0);

  const cutAt = performance.now();
  await world.market.venue.cut();
  await expect(badge).toHaveText('gap', { timeout: 2_000 });
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 2_000, intervals: [50] }).toBe(1);
  await expect(page.locator('.pill.feed')).not.toHaveText('Feed live', { timeout: 2_000 });
  const shownMs = Math.round(performance.now() - cutAt);
  console.log(`the gap was shown ${shownMs} ms after the cut`);
  expect(shownMs).toBeLessThan(2_000);
  await expect.poll(() => page.evaluate(gapEdges)).toBe(1);

  await page.waitForTimeout(HELD_MS);
  await expect(page.locator('.pill.feed')).not.toHaveText('Feed live');
  expect((await chartFacts(page))?.openGaps).toBe(1);

  await world.market.venue.resume();
  await expect.poll(async () => (await chartFacts(page))?.openGaps, { timeout: 40_000 }).toBe(0);
  await expect(page.locator('.pill.feed')).toHaveText('Feed live');
  await seeClosedGap(page, (before?.segments ?? 0) + 1);

  await expect.poll(() => gapsListed(world.url)).toBe((before?.gaps ?? 0) + 1);
  const pixels = await page.evaluate(lineInGap);
  expect(pixels.gapWidth).toBeGreaterThan(6);
  expect(pixels.outside).toBeGreaterThan(50);
  expect(pixels.inside).toBe(0);

  await page.reload();
  await seeClosedGap(page, (before?.segments ?? 0) + 1);
});

test('a killed server shows, comes back, and what it missed is a gap', async ({ page, own, guard }) => {
  test.setTimeout(90_000);
  guard.allow(/ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION/);
  await openPage(page, own, '#/SPY');
  await seeLine(page);
  expect((await chartFacts(page))?.gaps).toBe(0);

  await own.server.end('SIGKILL');
  await expect(page.locator('.pill.server')).toHaveText('Reconnecting…');
  await expect(page.locator('.notice.error')).toContainText('Not connected to the server');
  await page.waitForTimeout(HELD_MS);

  await own.server.start();
  await expect(page.locator('.pill.server')).toHaveText('Server connected', { timeout: 30_000 });
  await expect(page.locator('.notice')).toHaveCount(0);
  const last = rowOf(page, 'SPY').locator('td.c-last');
  await expect(last).not.toHaveText((await last.textContent()) ?? '');
  await expect(rowOf(page, 'SPY').locator('.badge')).toHaveText('gap');
  await expect.poll(async () => (await chartFacts(page))?.gaps, { timeout: 20_000 }).toBe(1);
  await seeClosedGap(page, 2);
});

/** A line of some length, drawn over about a minute, so that a gap of seconds is wide. */
async function seeLine(page: Page): Promise<void> {
  // A chart that is not there yet takes no keys.
  await expect.poll(async () => (await chartFacts(page))?.points, { timeout: 20_000 }).toBeGreaterThan(0);
  for (let i = 0; i < 12; i += 1) await page.keyboard.press('+');
  await expect.poll(async () => (await chartFacts(page))?.points, { timeout: 20_000 }).toBeGreaterThan(5);
  expect((await chartFacts(page))?.segments).toBeGreaterThan(0);
}

async function seeClosedGap(page: Page, segments: number): Promise<void> {
  await expect.poll(async () => (await chartFacts(page))?.segments, { timeout: 20_000 }).toBe(segments);
  await expect.poll(() => page.evaluate(gapEdges)).toBe(2);
  await expect(page.locator('tr.row').first().locator('td.c-last')).toHaveText(/\d/);
  expect((await chartFacts(page))?.openGaps).toBe(0);
}

async function gapsListed(url: string): Promise<number> {
  const { gaps } = (await (await fetch(`${url}api/v1/gaps`)).json()) as { gaps: { to_ns: number | null }[] };
  return gaps.filter(({ to_ns }) => to_ns !== null).length;
}
