// Settings through the page and through the file, on the binary: either changes the other, and a wrong one is refused.

import { addSymbol, openPage, rowOf } from '../world';
import { expect, test } from './world';

test('a symbol is added and removed, in the list and in the settings file', async ({ page, world }) => {
  const { server } = world.market;
  await openPage(page, world);
  const before = await page.locator('tr.row .symbol').allTextContents();
  expect(server.settings).not.toContain('"S07"');
  await addSymbol(page, 's07');
  await expect(rowOf(page, 'S07')).toBeVisible();
  await expect(page.locator('.head-symbol')).toHaveText('S07');
  await expect(rowOf(page, 'S07').locator('td.c-last')).toHaveText(/\d/, { timeout: 20_000 });
  expect(server.settings).toContain('"S07"');
  await page.reload();
  await expect(rowOf(page, 'S07')).toBeVisible();
  await rowOf(page, 'S07').hover();
  await page.getByRole('button', { name: 'Remove S07' }).click();
  await expect(rowOf(page, 'S07')).toHaveCount(0);
  expect(server.settings).not.toContain('"S07"');
  expect(await page.locator('tr.row .symbol').allTextContents()).toEqual(before);
});

test('an invalid symbol shows the reason of the server', async ({ page, world }) => {
  const before = world.market.server.settings;
  await openPage(page, world);
  const answered = page.waitForResponse((response) => response.request().method() === 'PUT');
  await addSymbol(page, 'X'.repeat(300));
  const response = await answered;
  expect(response.status()).toBe(400);
  const { detail } = (await response.json()) as { detail: string };
  expect(detail.length).toBeGreaterThan(10);
  await expect(page.locator('#add-error')).toHaveText(detail);
  expect(world.market.server.settings).toBe(before);
  await page.getByLabel('Add a symbol').fill('Y');
  await expect(page.locator('#add-error')).toBeEmpty();
});

test('a wrong line in the settings file is refused with its reason, and the old ones stay', async ({ page, world }) => {
  const { server } = world.market;
  const before = server.settings;
  await openPage(page, world);
  const rows = await page.locator('tr.row').count();
  try {
    server.settings = before.replace(/^subscriptions = .*$/m, 'subscriptions = ["S01"]').replace('"60s"', '"60x"');
    const notice = page.locator('.notice.warn');
    await expect(notice).toContainText('The last change of the settings was refused; the old ones stay.');
    await expect(notice).toContainText('60x');
    await expect(page.locator('tr.row')).toHaveCount(rows);
    const last = page.locator('tr.row td.c-last').first();
    await expect(last).not.toHaveText((await last.textContent()) ?? '');
    await page.reload();
    await expect(notice).toContainText('60x');
  } finally {
    server.settings = before;
  }
  await expect(page.locator('.notice')).toHaveCount(0);
});

test('a change of the settings file reaches the open page', async ({ page, world }) => {
  const { server } = world.market;
  const before = server.settings;
  await openPage(page, world);
  try {
    server.settings = before.replace('subscriptions = [', 'subscriptions = ["S30", ');
    await expect(rowOf(page, 'S30').locator('td.c-last')).toHaveText(/\d/, { timeout: 20_000 });
  } finally {
    server.settings = before;
  }
  await expect(rowOf(page, 'S30')).toHaveCount(0);
});

test('a second window is set, chosen, and taken away', async ({ page, world }) => {
  await openPage(page, world, '#/SPY');
  const chooser = page.getByRole('group', { name: 'Window length' }).getByRole('button');
  await expect(chooser).toHaveText(['60s']);
  await page.keyboard.press('s');
  await page.locator('input[name=windows]').fill('60s, 5m');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(chooser).toHaveText(['60s', '5m']);
  expect(world.market.server.settings).toMatch(/^windows = \["60s", "(5m|300s)"\]$/m);
  await chooser.nth(1).click();
  await expect(chooser.nth(1)).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('.head-activity')).toContainText('in 5m');
  await page.reload();
  await expect(chooser.nth(1)).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('.head-activity')).toContainText('in 5m');
  await page.keyboard.press('s');
  await page.locator('input[name=windows]').fill('60s');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(chooser).toHaveText(['60s']);
  await expect(page.locator('.head-activity')).toContainText('in 60s');
});
