// The page's picture of the server: what a reader should believe after each event.
import { beforeEach, expect, test } from 'vitest';
import type { Gap, Settings, SymbolsAnswer } from '../../src/contract';
import type { Frames } from '../../src/live/frames';
import { typedSymbols } from '../../src/live/follow';
import { LogClock } from '../../src/live/log-clock';
import { Market } from '../../src/live/market';
import { nextSorting, sorted } from '../../src/list/columns';
import { at, row } from './helpers';

const quiet = { row: () => undefined, points: () => undefined, topic: () => undefined } as unknown as Frames;
let market: Market;

function snapshot(...symbols: string[]): SymbolsAnswer {
  return {
    time_ns: at(0) * 1e6,
    simulated: true,
    venue: 'demo',
    windows: ['60s', '5m'],
    grid: '1s',
    feed: { state: 'live', since_ns: at(0) * 1e6, detail: '' },
    symbols: symbols.map((symbol) => ({
      symbol,
      subscribed: true,
      rows: [row(0, '10', { symbol }), row(0, '99', { symbol, window: '5m' })],
    })),
  };
}

const gap = (more: Partial<Gap>): Gap => ({
  from_ns: at(1) * 1e6,
  to_ns: null,
  symbols: ['SPY'],
  cause: 'disconnected',
  state: 'open',
  ...more,
});

beforeEach(() => {
  market = new Market(quiet);
  market.takeSnapshot(snapshot('SPY', 'IBM'));
});

test('only rows of the chosen window are shown', () => {
  expect(market.symbols.get('SPY')?.row?.last_price).toBe('10');
  market.take('rows', { time_ns: at(1) * 1e6, rows: [row(1, '11'), row(1, '98', { window: '5m' })] });
  expect(market.symbols.get('SPY')?.row?.last_price).toBe('11');
});

test('a price that moved has a direction; one that is gone is remembered', () => {
  const spy = market.symbols.get('SPY');
  market.take('rows', { time_ns: at(1) * 1e6, rows: [row(1, '9.5')] });
  expect([spy?.direction, spy?.moves]).toEqual([-1, 1]);
  market.take('rows', { time_ns: at(2) * 1e6, rows: [row(2, null)] });
  expect(spy?.row?.last_price).toBeNull();
  expect(spy?.price).toEqual({ text: '9.5', atMs: at(1) });
});

test('an open gap is believed over a row that says complete, for its symbols only', () => {
  market.take('gap', gap({}));
  expect([market.statusOf('SPY'), market.statusOf('IBM')]).toEqual(['gap', 'complete']);
  market.take('gap', gap({ to_ns: at(3) * 1e6, state: 'given_up' }));
  expect(market.statusOf('SPY')).toBe('complete');
  expect(market.gapsOf('SPY')).toHaveLength(1);
});

test('the list of gaps replaces what is known, but not what was heard since the snapshot', () => {
  market.takeGapList([gap({ from_ns: at(0) * 1e6 })]);
  market.take('gap', gap({}));
  market.takeGapList([]);
  expect(market.gapsOf('SPY').map(({ fromMs }) => fromMs)).toEqual([at(1)]);
  market.take('gap', gap({ to_ns: at(3) * 1e6, state: 'given_up' }));
  market.takeGapList([gap({})]);
  expect(market.gapsOf('SPY').map(({ open }) => open)).toEqual([false]);
  market.take('snapshot', snapshot('SPY', 'IBM'));
  market.takeGapList([]);
  expect(market.gapsOf('SPY')).toEqual([]);
});

test('a gap that names nobody is everybody’s; one that was filled is gone', () => {
  market.take('gap', gap({ symbols: [] }));
  expect([market.statusOf('SPY'), market.statusOf('IBM')]).toEqual(['gap', 'gap']);
  market.take('gap', gap({ symbols: [], to_ns: at(2) * 1e6, state: 'filled' }));
  expect(market.gapsOf('SPY')).toEqual([]);
});

test('a feed that is not live makes its numbers stale', () => {
  market.take('feed', { state: 'disconnected', since_ns: at(1) * 1e6, detail: '' });
  expect(market.statusOf('SPY')).toBe('stale');
});

test('the server says which symbols there are; a window that is gone is left', () => {
  market.take('followed', { symbols: ['IBM', 'BAC'], windows: ['5m'], grid: '1s' });
  expect([...market.symbols.keys()].sort()).toEqual(['BAC', 'IBM']);
  expect(market.window).toBe('5m');
});

test('a chosen window that was away for a while is shown again', () => {
  market.chooseWindow('5m');
  market.take('followed', { symbols: ['SPY'], windows: ['60s'], grid: '1s' });
  expect(market.window).toBe('60s');
  market.take('followed', { symbols: ['SPY'], windows: ['60s', '5m'], grid: '1s' });
  expect(market.window).toBe('5m');
});

test('a window that changes with a snapshot takes the numbers of the old one along', () => {
  market.takeSnapshot({ ...snapshot('SPY'), windows: ['5m'], symbols: [{ symbol: 'SPY', subscribed: true, rows: [] }] });
  expect(market.window).toBe('5m');
  expect(market.symbols.get('SPY')?.row).toBeNull();
});

test('who takes away the window that he chose is not thrown back to it', () => {
  market.chooseWindow('5m');
  const before = { subscriptions: ['SPY'], windows: ['60s', '5m'], lateness: '1s', log_level: 'info' } as const;
  market.takeWish(before as unknown as Settings, { ...before, windows: ['60s'] } as unknown as Settings);
  expect(market.window).toBe('60s');
  market.takeSnapshot(snapshot('SPY'));
  expect(market.window).toBe('60s');
});

test('the first windows that are told are used', () => {
  const early = new Market(quiet);
  early.takeSnapshot({ ...snapshot(), windows: [] });
  early.take('followed', { symbols: ['SPY'], windows: ['60s'], grid: '1s' });
  expect(early.window).toBe('60s');
  early.take('rows', { time_ns: at(1) * 1e6, rows: [row(1, '11')] });
  expect(early.symbols.get('SPY')?.row?.last_price).toBe('11');
});

test('what a reader changes is seen at once, and nothing else goes', () => {
  const settings = (...subscriptions: string[]) => ({
    subscriptions,
    windows: ['5m'],
    lateness: '1s',
    log_level: 'info' as const,
  });
  market.takeWish(settings('IBM'), settings('BAC'));
  expect([...market.symbols.keys()].sort()).toEqual(['BAC', 'SPY']);
  market.takeWish(settings(), settings());
  expect([...market.symbols.keys()].sort()).toEqual(['BAC', 'SPY']);
  expect(market.window).toBe('60s');
});

test('settings of a process that only follows say nothing of what there is', () => {
  market.take('settings', {
    revision: 2,
    source: '',
    settings: { subscriptions: [], windows: ['5m'], lateness: '1s', log_level: 'info' },
    refused: null,
  });
  expect([...market.symbols.keys()].sort()).toEqual(['IBM', 'SPY']);
  expect(market.window).toBe('60s');
});

test('sorting goes by value, and puts what has none last', () => {
  const spy = market.symbols.get('SPY');
  spy?.takeRow(row(1, '30'));
  market.symbols.get('IBM')?.takeRow(row(1, null, { symbol: 'IBM' }));
  const order = (column: 'last' | 'vwap' | 'symbol', descending: boolean): string[] =>
    sorted([...market.symbols.values()], { column, descending }, market).map((tracked) => tracked.symbol);
  expect(order('last', false)).toEqual(['IBM', 'SPY']);
  expect(order('vwap', false)).toEqual(['SPY', 'IBM']);
  expect(order('vwap', true)).toEqual(['SPY', 'IBM']);
  expect(order('symbol', true)).toEqual(['SPY', 'IBM']);
});

test('a column head goes through its directions and off', () => {
  const first = nextSorting(null, 'volume');
  const second = nextSorting(first, 'volume');
  expect([first?.descending, second?.descending, nextSorting(second, 'volume')]).toEqual([true, false, null]);
});

test.each([
  ['spy', ['SPY']],
  ['SPY, ibm', ['SPY', 'ibm']],
  ['spy ibm,spy', ['SPY', 'IBM']],
  ['binance:btcusdt', ['BINANCE:BTCUSDT']],
  ['  ', []],
  ['<img src=x onerror=alert(1)>', ['<img src=x onerror=alert(1)>']],
])('typedSymbols(%s)', (text, expected) => expect(typedSymbols(text)).toEqual(expected));

test('the log’s clock goes on while heard, and stops when not', () => {
  let local = 0;
  const clock = new LogClock(() => local);
  expect(clock.nowMs()).toBeNull();
  clock.run(true);
  clock.state(1_000);
  local = 300;
  expect(clock.nowMs()).toBe(1_300);
  clock.state(900);
  expect(clock.nowMs()).toBe(1_300);
  clock.run(false);
  local = 9_000;
  expect(clock.nowMs()).toBe(1_300);
});
