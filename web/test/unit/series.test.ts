// The series takes live points and revisions as the server would have answered them.
import { expect, test } from 'vitest';
import { Series } from '../../src/pure/series';
import { answer, at, row } from './helpers';

const prices = (series: Series): (string | null)[] => series.points.map((point) => point.last_price);
const times = (series: Series): number[] => series.points.map((point) => point.atMs - at(0));

function fine(...seconds: number[]): Series {
  return Series.fromAnswer(
    answer(
      '1s',
      seconds.map((second) => row(second, String(second))),
    ),
    1_000,
  );
}

test('a later point is appended', () => {
  const series = fine(1, 2);
  series.upsert(row(3, '3'));
  expect(prices(series)).toEqual(['1', '2', '3']);
});

test('a revision replaces its point, an old one does not', () => {
  const series = fine(1, 2, 3);
  series.upsert(row(2, '2.5', { revision: 1 }));
  expect(prices(series)).toEqual(['1', '2.5', '3']);
  series.upsert(row(2, '2', { revision: 0 }));
  expect(prices(series)).toEqual(['1', '2.5', '3']);
});

test('a missing point is put in its place', () => {
  const series = fine(1, 3);
  series.upsert(row(2, '2'));
  expect(prices(series)).toEqual(['1', '2', '3']);
});

test('a revision from before the block is not put in front of it', () => {
  const series = fine(10, 11);
  series.upsert(row(2, '2', { revision: 1 }));
  expect(prices(series)).toEqual(['10', '11']);
});

test('in a thinned series the last point of a step stands for it, with the worst status and the least coverage', () => {
  const series = Series.fromAnswer(answer('5s', [row(4, 'a'), row(9, 'b')]), 1_000);
  series.upsert(row(10, 'c', { status: 'gap', coverage: 0.5 }));
  series.upsert(row(11, 'd', { coverage: 0.9 }));
  expect(times(series)).toEqual([4_000, 9_000, 11_000]);
  expect(series.points[2]).toMatchObject({ last_price: 'd', status: 'gap', coverage: 0.5 });
  series.upsert(row(15, 'e'));
  expect(series.points[3]).toMatchObject({ last_price: 'e', status: 'complete', coverage: 1 });
});

test('steps end where the server ends them, so that no break appears where live points begin', () => {
  const series = Series.fromAnswer(answer('5s', [row(5, 'a'), row(10, 'b'), row(15, 'c'), row(20, 'd')]), 1_000);
  for (let second = 21; second <= 26; second += 1) series.upsert(row(second, String(second)));
  expect(times(series)).toEqual([5_000, 10_000, 15_000, 20_000, 25_000, 26_000]);
});

test('what is old is dropped', () => {
  const series = fine(1, 2, 3, 4);
  series.dropBefore(at(3));
  expect(prices(series)).toEqual(['3', '4']);
});

test('the nearest point', () => {
  const series = fine(1, 2, 10);
  expect([series.nearest(at(0)), series.nearest(at(1) + 400), series.nearest(at(7)), series.nearest(at(99))]).toEqual([
    0, 0, 2, 2,
  ]);
  expect(new Series(1_000, 1_000).nearest(5)).toBe(-1);
});
