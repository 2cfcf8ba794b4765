// Page tests in the machine's own Chromium, one at a time: one of them measures long tasks.
// STOCK_UP_BIN: the binary that project `real` starts; without it only the mock is tested, and that is said.
import { defineConfig } from '@playwright/test';

const hasBinary = process.env['STOCK_UP_BIN'] !== undefined;
const isWorker = process.env['TEST_WORKER_INDEX'] !== undefined;
if (!hasBinary && !isWorker) console.error('SKIPPED the page on the binary: STOCK_UP_BIN is not set');

const mock = { name: 'mock', testDir: 'test/page', testIgnore: 'real/**' };
const real = { name: 'real', testDir: 'test/page/real' };

export default defineConfig({
  projects: hasBinary ? [mock, real] : [mock],
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
      executablePath: process.env['STOCK_UP_CHROMIUM'] ?? '/usr/bin/chromium',
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
