// The event stream comes back after errors and silence, never too fast, and asks for a token when it must.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveStream, SILENCE_MS, type Connection, type Source, type StreamOptions } from '../../src/live/stream';
import { Backoff } from '../../src/pure/backoff';

class FakeSource implements Source {
  static all: FakeSource[] = [];
  onopen: Source['onopen'] = null;
  onerror: Source['onerror'] = null;
  closed = false;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();
  constructor() {
    FakeSource.all.push(this);
  }
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(name, listener);
  }
  close(): void {
    this.closed = true;
  }
  send(name: string, data: unknown): void {
    this.listeners.get(name)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }
  break(): void {
    this.onerror?.({} as Event);
  }
}

const last = (): FakeSource => FakeSource.all[FakeSource.all.length - 1] ?? new FakeSource();
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function start(more: Partial<StreamOptions> = {}): {
  states: string[];
  events: [string, unknown][];
  stream: LiveStream;
} {
  const states: string[] = [];
  const events: [string, unknown][] = [];
  const stream = new LiveStream({
    open: () => new FakeSource(),
    prepare: () => Promise.resolve('ready'),
    now: () => Date.now(),
    onEvent: (name, data) => events.push([name, data]),
    onState: (connection: Connection) => states.push(connection.state),
    backoff: new Backoff({ random: () => 1 }),
    ...more,
  });
  stream.connect();
  return { states, events, stream };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.all = [];
});
afterEach(() => vi.useRealTimers());

test('it is live with the first event, and hands events on', async () => {
  const { states, events } = start();
  await settle();
  expect(states).toEqual(['connecting']);
  last().send('pipeline', { late_dropped: 0 });
  expect(states).toEqual(['connecting', 'live']);
  expect(events).toEqual([['pipeline', { late_dropped: 0 }]]);
});

test('silence is a lost connection', async () => {
  const { states } = start();
  await settle();
  last().send('pipeline', {});
  await settle(SILENCE_MS - 100);
  last().send('pipeline', {});
  await settle(SILENCE_MS - 100);
  expect(states).toEqual(['connecting', 'live']);
  await settle(700);
  expect(states[2]).toBe('waiting');
  expect(FakeSource.all[0]?.closed).toBe(true);
  await settle(300);
  expect(FakeSource.all).toHaveLength(2);
});

test('a server that opens but never speaks is left', async () => {
  const { states } = start();
  await settle(SILENCE_MS + 1_000);
  expect(states).toContain('waiting');
});

test('attempts spread out, and a connection that broke soon does not reset them', async () => {
  start();
  await settle();
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    const count = FakeSource.all.length;
    last().send('snapshot', {});
    last().break();
    const from = Date.now();
    while (FakeSource.all.length === count) await settle(10);
    waits.push(Date.now() - from);
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('a stable connection resets the back-off', async () => {
  start();
  await settle();
  for (let i = 0; i < 4; i += 1) {
    last().break();
    await settle(10_000);
  }
  for (let second = 0; second < 12; second += 1) {
    last().send('pipeline', {});
    await settle(1_000);
  }
  const count = FakeSource.all.length;
  last().break();
  await settle(260);
  expect(FakeSource.all).toHaveLength(count + 1);
});

test('without a token it asks, and does not hammer', async () => {
  const prepare = vi.fn(() => Promise.resolve<'login' | 'ready'>('login'));
  const { states, stream } = start({ prepare });
  await settle(60_000);
  expect(states).toEqual(['connecting', 'login']);
  expect(prepare).toHaveBeenCalledTimes(1);
  prepare.mockResolvedValue('ready');
  stream.connect();
  await settle();
  expect(FakeSource.all).toHaveLength(1);
});

test('a server that is not there is tried again', async () => {
  const prepare = vi.fn(() => Promise.reject<'ready'>(new Error('unreachable')));
  const { states } = start({ prepare });
  await settle(5_000);
  expect(states.filter((state) => state === 'waiting').length).toBeGreaterThan(3);
});

test('events of a source that was given up are ignored', async () => {
  const { events, stream } = start();
  await settle();
  const old = last();
  stream.connect();
  await settle();
  old.send('rows', {});
  old.break();
  expect(events).toEqual([]);
  expect(FakeSource.all).toHaveLength(2);
});
