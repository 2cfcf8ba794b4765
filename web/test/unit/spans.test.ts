// Lines break where nothing was observed; what is incomplete is shaded.
import { describe, expect, test } from 'vitest';
import { gapSpans, plotColumns, statusSpans, strokes } from '../../src/pure/spans';
import { at, point } from './helpers';

const joins = (points: Parameters<typeof strokes>[0], gaps: [number, number][] = []): string =>
  strokes(
    points,
    1_000,
    gaps.map(([from, to]) => ({ fromMs: at(from), toMs: to === Infinity ? Infinity : at(to) })),
  )
    .map(({ drawn, joined }) => (joined ? '-' : drawn ? '|' : '.'))
    .join('');

const run = (...seconds: number[]): ReturnType<typeof point>[] => seconds.map((second) => point(second, '10'));

describe('a line', () => {
  test('runs through neighbours', () => expect(joins(run(1, 2, 3))).toBe('|--'));
  test('bears one and a half steps, no more', () => {
    expect(joins(run(1, 2.5))).toBe('|-');
    expect(joins(run(1, 2.6))).toBe('||');
  });
  test('breaks at an empty window', () =>
    expect(joins([point(1, '10'), point(2, null), point(3, '10'), point(4, '10')])).toBe('|.|-'));
  test('is not drawn within a gap', () => expect(joins(run(1, 2, 3, 4, 5), [[1.5, 3.5]])).toBe('|..|-'));
  test('breaks at a gap that lies between two points', () => expect(joins(run(1, 2, 3), [[1.2, 1.4]])).toBe('||-'));
  test('breaks at a gap that begins on a point', () => expect(joins(run(1, 2, 3), [[1, 1.5]])).toBe('||-'));
  test('goes on after a gap that ends on a point', () => expect(joins(run(1, 2, 3, 4), [[1.5, 2]])).toBe('||--'));
  test('stops at an open gap', () => expect(joins(run(1, 2, 3, 4), [[2.5, Infinity]])).toBe('|-..'));
  test('stays away through nested gaps', () =>
    expect(
      joins(run(1, 2, 3, 4, 5, 6), [
        [1.5, 5.5],
        [2.5, 3.5],
      ]),
    ).toBe('|....|'));
});

test('columns have an empty row at every break and lead back to their points', () => {
  const points = run(1, 2, 5, 6);
  const columns = plotColumns(points, 1_000, []);
  expect(columns.last).toEqual([10, 10, null, 10, 10]);
  expect(columns.source).toEqual([0, 1, -1, 2, 3]);
  expect(columns.segments).toBe(2);
  expect([...columns.x].sort((a, b) => a - b)).toEqual(columns.x);
});

test('a point in a gap is an empty row that still leads to its values', () => {
  const columns = plotColumns(run(1, 2, 3), 1_000, [{ fromMs: at(1.5), toMs: at(2.5) }]);
  expect(columns.last).toEqual([10, null, 10]);
  expect(columns.vwap).toEqual([10, null, 10]);
  expect(columns.source).toEqual([0, 1, 2]);
});

test('no points, no columns', () => expect(plotColumns([], 1_000, []).segments).toBe(0));

test('incomplete points become spans, each point standing for the step before it', () => {
  const spans = statusSpans(
    [
      point(1, '1', 'warming'),
      point(2, '1', 'warming'),
      point(3, '1'),
      point(4, '1', 'gap'),
      point(5, '1', 'stale'),
      point(9, '1', 'stale'),
    ],
    1_000,
  );
  expect(spans.map(({ fromMs, toMs, status }) => [fromMs - at(0), toMs - at(0), status])).toEqual([
    [0, 2_000, 'warming'],
    [3_000, 4_000, 'gap'],
    [4_000, 5_000, 'stale'],
    [8_000, 9_000, 'stale'],
  ]);
});

test('the gaps of a symbol are its own and those of all', () => {
  const gap = (from: number, to: number | null, ...symbols: string[]) => ({
    from_ns: at(from) * 1e6,
    to_ns: to === null ? null : at(to) * 1e6,
    symbols,
    cause: 'disconnected',
    state: to === null ? 'open' : 'given_up',
  });
  const spans = gapSpans([gap(8, null), gap(1, 2, 'IBM'), gap(3, 4, 'SPY', 'IBM')], 'SPY');
  expect(spans.map(({ fromMs, toMs, open }) => [fromMs - at(0), toMs, open])).toEqual([
    [3_000, at(4), false],
    [8_000, Infinity, true],
  ]);
});
