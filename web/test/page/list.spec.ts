// Working with the list: adding and removing, hostile names, sorting, filter, keyboard, windows.

import { addSymbol, expect, firstSymbol, openPage, rowOf, test } from './world';

const HOSTILE = '<img src=x onerror=alert(1)>';

test('a symbol is added, removed, and brought back', async ({ page, world }) => {
  await openPage(page, world);
  const before = await page.locator('tr.row .symbol').allTextContents();
  await addSymbol(page, 'zvzzt');
  await expect(rowOf(page, 'ZVZZT')).toBeVisible();
  await expect(page.locator('.head-symbol')).toHaveText('ZVZZT');
  await rowOf(page, 'ZVZZT').hover();
  await page.getByRole('button', { name: 'Remove ZVZZT' }).click();
  await expect(rowOf(page, 'ZVZZT')).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(rowOf(page, 'ZVZZT')).toBeVisible();
  await rowOf(page, 'ZVZZT').locator('.symbol').focus();
  await page.keyboard.press('x');
  await expect(rowOf(page, 'ZVZZT')).toHaveCount(0);
  expect(await page.locator('tr.row .symbol').allTextContents()).toEqual(before);
});

test('a hostile name is text', async ({ page, world }) => {
  await openPage(page, world);
  await addSymbol(page, HOSTILE);
  const row = rowOf(page, HOSTILE);
  const refusal = page.locator('#add-error');
  await expect
    .poll(async () => (await row.count()) + ((await refusal.textContent()) === '' ? 0 : 1))
    .toBeGreaterThan(0);
  if ((await row.count()) > 0) {
    await expect(page.locator('.head-symbol')).toHaveText(HOSTILE);
    await expect(row.locator('td.c-last')).toHaveText(/\d/);
    await row.hover();
    await row.locator('.remove').click();
    await expect(page.locator('.toast')).toContainText(HOSTILE);
    await expect(row).toHaveCount(0);
  }
  await expect(page.locator('img')).toHaveCount(0);
});

test('an invalid symbol shows the reason of the server', async ({ page, world }) => {
  await openPage(page, world);
  const answered = page.waitForResponse((response) => response.request().method() === 'PUT');
  await addSymbol(page, 'X'.repeat(300));
  const response = await answered;
  expect(response.status()).toBe(400);
  const { detail } = (await response.json()) as { detail: string };
  await expect(page.locator('#add-error')).toHaveText(detail);
  await page.getByLabel('Add a symbol').fill('Y');
  await expect(page.locator('#add-error')).toBeEmpty();
});

test('a change made elsewhere does not get in the way', async ({ page, world }) => {
  await openPage(page, world);
  world.mock.control({ action: 'bump' });
  await addSymbol(page, 'QQQ');
  await expect(rowOf(page, 'QQQ')).toBeVisible();
});

test('windows are chosen, and changed in the settings', async ({ page, world }) => {
  await openPage(page, world);
  const chooser = page.getByRole('group', { name: 'Window length' });
  const asked = page.waitForRequest(/api\/v1\/live\?window=5m/);
  await chooser.getByRole('button', { name: '5m' }).click();
  await asked;
  await expect(chooser.getByRole('button', { name: '5m' })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('.head-activity')).toContainText('in 5m');
  await page.keyboard.press('w');
  await expect(chooser.getByRole('button', { name: '60s' })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.locator('.head-activity')).toContainText('in 60s');
  await page.keyboard.press('s');
  await page.locator('input[name=windows]').fill('5m, 60x');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('dialog.settings .error')).toContainText('60x');
  await page.locator('input[name=windows]').fill('5m, 15m');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(chooser.getByRole('button')).toHaveText(['5m', '15m']);
  await expect(page.locator('.head-activity')).toContainText('in 5m');
});

test('the window length is chosen on any server', async ({ page, world }) => {
  await openPage(page, world);
  const buttons = page.getByRole('group', { name: 'Window length' }).getByRole('button');
  const last = (await buttons.count()) - 1;
  const name = await buttons.nth(last).textContent();
  await buttons.nth(last).click();
  await expect(page.locator('.head-activity')).toContainText(`in ${name}`);
  await page.reload();
  await expect(buttons.nth(last)).toHaveAttribute('aria-pressed', 'true');
});

test('the keyboard reaches everything', async ({ page, world }) => {
  await openPage(page, world);
  const symbols = await page.locator('tr.row .symbol').allTextContents();
  await expect(page.locator('.head-symbol')).toHaveText(symbols[0] ?? '');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('.head-symbol')).toHaveText(symbols[1] ?? '');
  await expect(rowOf(page, symbols[1] ?? '').locator('.symbol')).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.locator('.chart')).toHaveCount(0);
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(page.locator('.head-symbol')).toHaveText(symbols[0] ?? '');
  await page.keyboard.press('/');
  await page.keyboard.type((symbols[1] ?? '').toLowerCase());
  await expect(page.locator('tr.row')).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(page.locator('tr.row')).toHaveCount(symbols.length);
  await page.keyboard.press('a');
  await expect(page.getByLabel('Add a symbol')).toBeFocused();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys and marks' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await expect(page.locator('.chart')).toHaveCount(1);
});

test('the list sorts by a column and says so', async ({ page, world }) => {
  await openPage(page, world);
  const head = page.locator('th.c-symbol');
  await head.getByRole('button').click();
  await expect(head).toHaveAttribute('aria-sort', 'ascending');
  const names = await page.locator('tr.row .symbol').allTextContents();
  expect(names).toEqual([...names].sort());
  await head.getByRole('button').click();
  await expect(head).toHaveAttribute('aria-sort', 'descending');
  expect(await firstSymbol(page)).toBe(names[names.length - 1]);
});
