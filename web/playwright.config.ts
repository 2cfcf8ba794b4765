// Page tests in the machine's own Chromium, one at a time: one of them measures long tasks.
// STOCK_UP_URL: a running server to test instead of the mock; STOCK_UP_CONTROL: where its feed is cut and resumed.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'test/page',
  workers: 1,
  timeout: 45_000,
  forbidOnly: true,
  reporter: [['list']],
  expect: { timeout: 10_000 },
  use: {
    viewport: { width: 1440, height: 860 },
    colorScheme: 'dark',
    timezoneId: 'UTC',
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
