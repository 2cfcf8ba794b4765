// The status bar shows one number for late trades; its tooltip says why they were late.
import { expect, test } from 'vitest';
import type { Pipeline } from '../../src/contract';
import { lateByCause } from '../../src/pure/late';

const pipeline = (delayed: number, outOfOrder: number) =>
  ({
    late_dropped: delayed + outOfOrder,
    late_dropped_by_cause: { delayed, out_of_order: outOfOrder },
  }) as Pipeline;

test.each([
  [0, 0, '0'],
  [10, 2, '12: 10 delayed, 2 out of order'],
  [12_345, 0, '12\u202f345: 12\u202f345 delayed'],
  [0, 1, '1: 1 out of order'],
])('%i delayed and %i out of order', (delayed, outOfOrder, expected) =>
  expect(lateByCause(pipeline(delayed, outOfOrder))).toBe(expected),
);
