// Rows and answers for tests, with everything that does not matter filled in.
import type { Row, SeriesAnswer, Status } from '../../src/contract';
import type { Point } from '../../src/pure/series';
import { pointOf } from '../../src/pure/series';

export const T0 = 1_700_000_000_000;

export function row(second: number, price: string | null, more: Partial<Row> = {}): Row {
  return {
    symbol: 'SPY',
    window: '60s',
    timestamp_ns: (T0 + second * 1_000) * 1e6,
    transactions: price === null ? 0 : 3,
    volume: price === null ? '0' : '300',
    last_price: price,
    min_price: price,
    max_price: price,
    avg_price_trans: price === null ? null : Number(price),
    avg_price_volume: price === null ? null : Number(price),
    variance: price === null ? null : 0,
    status: 'complete',
    coverage: 1,
    revision: 0,
    ...more,
  };
}

export const point = (second: number, price: string | null, status: Status = 'complete'): Point =>
  pointOf(row(second, price, { status }));

export const at = (second: number): number => T0 + second * 1_000;

export function answer(step: string, rows: readonly Row[]): SeriesAnswer {
  const column = <K extends keyof Row>(name: K): Row[K][] => rows.map((each) => each[name]);
  return {
    symbol: 'SPY',
    window: '60s',
    step,
    truncated: false,
    timestamp_ns: column('timestamp_ns'),
    transactions: column('transactions'),
    volume: column('volume'),
    last_price: column('last_price'),
    min_price: column('min_price'),
    max_price: column('max_price'),
    avg_price_trans: column('avg_price_trans'),
    avg_price_volume: column('avg_price_volume'),
    variance: column('variance'),
    status: column('status'),
    coverage: column('coverage'),
    revision: column('revision'),
  };
}
