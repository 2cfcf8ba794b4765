// Fifty symbols, ten updates a second: no task of the page may hold it for more than 50 ms.
//
// A long task is measured in wall time, and where the machine is shared that includes waiting for a processor:
// a task can then be long while the page does little. So up to three spells are watched, and one without a long
// task passes. When none is, the longest task's own processor time must be within the limit instead, which is a
// weaker promise: it leaves out the waiting. Everything measured is printed either way.

import type { CDPSession, Page } from '@playwright/test';
import { expect, openPage, test } from './world';

const SYMBOLS = Array.from({ length: 50 }, (_, i) => `S${String(i).padStart(2, '0')}`);
const LIMIT_MS = 50;
const SPELL_MS = 5_000;
const SPELLS_MAX = 3;

test.use({ mockOptions: { symbols: SYMBOLS, historyS: 1_800 } });

interface Spell {
  framesDrawn: number;
  /** Wall time of the tasks over 50 ms, as the page's own observer reports them. */
  longTasksMs: number[];
  /** Processor time of the longest task of the page's thread. */
  longestCpuMs: number;
}

test('fifty symbols update ten times a second without a long task', async ({ page, world }) => {
  await openPage(page, world);
  await expect(page.locator('tr.row')).toHaveCount(SYMBOLS.length);
  await expect
    .poll(() =>
      page.evaluate(
        () => (globalThis as unknown as { stockUp: { chart: { points: number } | null } }).stockUp.chart?.points ?? 0,
      ),
    )
    .toBeGreaterThan(10);
  const spells: Spell[] = [];
  do spells.push(await spell(page, spells.length + 1));
  while (spells.length < SPELLS_MAX && spells.every(({ longTasksMs }) => longTasksMs.length > 0));
  test.info().annotations.push({ type: 'long tasks', description: JSON.stringify(spells) });
  const clean = spells.some(({ longTasksMs }) => longTasksMs.length === 0);
  if (!clean) console.log('every spell had a long task: the processor time of the longest task decides');
  expect(clean ? 0 : Math.max(...spells.map(({ longestCpuMs }) => longestCpuMs))).toBeLessThanOrEqual(LIMIT_MS);
  expect(Math.max(...spells.map(({ framesDrawn }) => framesDrawn))).toBeGreaterThan(25);
});

async function spell(page: Page, number: number): Promise<Spell> {
  const session = await page.context().newCDPSession(page);
  await session.send('Tracing.start', {
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline'] },
    transferMode: 'ReportEvents',
  });
  const traced = traceEvents(session);
  const seen = await page.evaluate(observe, SPELL_MS);
  await session.send('Tracing.end');
  const longestCpuMs = longestTask(await traced);
  await session.detach();
  const longest = Math.max(0, ...seen.longTasksMs);
  console.log(
    `spell ${number}: ${seen.framesDrawn} frames in ${SPELL_MS / 1_000} s; long tasks ${seen.longTasksMs.length}` +
      `${longest > 0 ? `, longest ${longest} ms` : ''}; longest processor time ${longestCpuMs.toFixed(1)} ms`,
  );
  return { ...seen, longestCpuMs };
}

/** Watches long tasks for a while; the observer reports only those over 50 ms. Runs in the page. */
function observe(forMs: number): Promise<{ framesDrawn: number; longTasksMs: number[] }> {
  const stockUp = (globalThis as unknown as { stockUp: { framesDrawn: number } }).stockUp;
  const first = stockUp.framesDrawn;
  const longTasksMs: number[] = [];
  const observer = new PerformanceObserver((list) =>
    longTasksMs.push(...list.getEntries().map((entry) => entry.duration)),
  );
  observer.observe({ type: 'longtask' });
  const until = performance.now() + forMs;
  return new Promise((resolve) => {
    const look = (): void => {
      if (performance.now() < until) return void requestAnimationFrame(look);
      observer.disconnect();
      resolve({ framesDrawn: stockUp.framesDrawn - first, longTasksMs });
    };
    look();
  });
}

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  tdur?: number;
  args: { name?: string };
}

function traceEvents(session: CDPSession): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  return new Promise((resolve) => session.once('Tracing.tracingComplete', () => resolve(events)));
}

/** The longest task, by processor time, of the renderer thread that ran the page's animation frames. */
function longestTask(events: readonly TraceEvent[]): number {
  const page = events.find(({ name }) => name === 'FireAnimationFrame');
  const tasks = events.filter(
    (event) => event.name === 'ThreadControllerImpl::RunTask' && event.pid === page?.pid && event.tid === page.tid,
  );
  expect(tasks.length).toBeGreaterThan(0);
  return Math.max(...tasks.map(({ tdur }) => (tdur ?? 0) / 1_000));
}
