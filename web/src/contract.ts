// The shapes of docs/http.md, word for word, so that a change of the contract is a change here.
// Exact decimals are strings; times are nanoseconds, which a JSON number carries to about 0.2 µs.

export type Status = 'complete' | 'provisional' | 'warming' | 'gap' | 'stale';
export type FeedState = 'connecting' | 'live' | 'stale' | 'disconnected' | 'refused' | 'ended';

export interface Row {
  symbol: string;
  window: string;
  timestamp_ns: number;
  transactions: number;
  volume: string;
  last_price: string | null;
  min_price: string | null;
  max_price: string | null;
  avg_price_trans: number | null;
  avg_price_volume: number | null;
  variance: number | null;
  status: Status;
  coverage: number | null;
  revision: number;
}

export interface Feed {
  state: FeedState;
  since_ns: number | null;
  detail: string;
}

export interface SymbolEntry {
  symbol: string;
  subscribed: boolean;
  rows: Row[];
}

export interface SymbolsAnswer {
  time_ns: number | null;
  simulated: boolean;
  venue: string;
  windows: string[];
  grid: string;
  feed: Feed;
  symbols: SymbolEntry[];
}

export interface SeriesAnswer {
  symbol: string;
  window: string;
  step: string;
  timestamp_ns: number[];
  transactions: number[];
  volume: string[];
  last_price: (string | null)[];
  min_price: (string | null)[];
  max_price: (string | null)[];
  avg_price_trans: (number | null)[];
  avg_price_volume: (number | null)[];
  variance: (number | null)[];
  status: Status[];
  coverage: (number | null)[];
  revision: number[];
  truncated: boolean;
}

export interface Gap {
  from_ns: number;
  to_ns: number | null;
  symbols: string[];
  cause: string;
  state: string;
}

export interface Settings {
  subscriptions: string[];
  windows: string[];
  lateness: string;
  log_level: string;
  [other: string]: unknown;
}

export interface SettingsAnswer {
  revision: number;
  source: string;
  settings: Settings;
  refused: { detail: string } | null;
}

export interface Pipeline {
  trades_per_second: number;
  points_per_second: number;
  received: number;
  applied: number;
  duplicate: number;
  ineligible: number;
  /** The sum of the next. */
  late_dropped: number;
  late_dropped_by_cause: { delayed: number; out_of_order: number };
  refused: number;
  in_flight: number;
  lag_records: number;
  log_bytes: number;
  gaps_open: number;
}

export interface ErrorAnswer {
  error: string;
  detail: string;
}

/** Which symbols and windows there are. */
export interface Followed {
  symbols: string[];
  windows: string[];
  grid: string;
}

/** What each server-sent event carries, by its name. */
export interface LiveEvents {
  snapshot: SymbolsAnswer;
  rows: { time_ns: number; rows: Row[] };
  points: { rows: Row[] };
  feed: Feed;
  gap: Gap;
  settings: SettingsAnswer;
  followed: Followed;
  pipeline: Pipeline;
}

export type LiveEventName = keyof LiveEvents;

export const LIVE_EVENT_NAMES: readonly LiveEventName[] = [
  'snapshot',
  'rows',
  'points',
  'feed',
  'gap',
  'settings',
  'followed',
  'pipeline',
];

export const msOf = (ns: number): number => ns / 1e6;
