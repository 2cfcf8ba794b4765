// The columns of the watch list: what each is called, what it says on hover, and how it sorts.

import type { Market } from '../live/market';
import type { TrackedSymbol } from '../live/tracked-symbol';

export type ColumnName = 'symbol' | 'spark' | 'last' | 'change' | 'vwap' | 'trades' | 'volume' | 'status' | 'remove';

export interface Column {
  name: ColumnName;
  label: string;
  title: string;
  /** The value to sort by; null sorts last. A column without it does not sort. */
  value?: (tracked: TrackedSymbol, market: Market) => number | string | null;
}

const STATUS_ORDER = ['gap', 'stale', 'warming', 'provisional', 'complete'];

const numeric = (text: string | null | undefined): number | null => (text == null ? null : Number(text));

export const COLUMNS: readonly Column[] = [
  { name: 'symbol', label: 'Symbol', title: 'Sort by symbol', value: (tracked) => tracked.symbol },
  { name: 'spark', label: '15 min', title: 'Last price over the last 15 minutes' },
  { name: 'last', label: 'Last', title: 'Price of the latest trade', value: (tracked) => numeric(tracked.price?.text) },
  {
    name: 'change',
    label: 'Change',
    title: 'Against the oldest point of the 15-minute line',
    value: (tracked) => tracked.change?.percent ?? null,
  },
  {
    name: 'vwap',
    label: 'VWAP',
    title: 'Volume-weighted mean price in the window',
    value: (tracked) => tracked.row?.avg_price_volume ?? null,
  },
  {
    name: 'trades',
    label: 'Trades',
    title: 'Transactions in the window',
    value: (tracked) => tracked.row?.transactions ?? null,
  },
  {
    name: 'volume',
    label: 'Volume',
    title: 'Sum of sizes in the window',
    value: (tracked) => numeric(tracked.row?.volume),
  },
  {
    name: 'status',
    label: 'Status',
    title: 'Whether the window was fully observed',
    value: (tracked, market) => STATUS_ORDER.indexOf(market.statusOf(tracked.symbol) ?? 'complete'),
  },
  { name: 'remove', label: '', title: '' },
];

export interface Sorting {
  column: ColumnName;
  descending: boolean;
}

/** The next state of a click on a column head: up, down, as followed. Numbers start with the greatest. */
export function nextSorting(current: Sorting | null, column: ColumnName): Sorting | null {
  const startsDescending = column !== 'symbol' && column !== 'status';
  if (current?.column !== column) return { column, descending: startsDescending };
  return current.descending === startsDescending ? { column, descending: !startsDescending } : null;
}

export function sorted(all: readonly TrackedSymbol[], sorting: Sorting | null, market: Market): TrackedSymbol[] {
  const value = COLUMNS.find((column) => column.name === sorting?.column)?.value;
  if (sorting === null || value === undefined) return [...all];
  const sign = sorting.descending ? -1 : 1;
  const keyed = all.map((tracked) => ({ tracked, key: value(tracked, market) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return a.key === b.key ? 0 : a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ tracked }) => tracked);
}
