// A seeded fake market that keeps the series a real server would: windows over a 1 s grid, with status and coverage.
// Everything is a function of the seed and the clock handed in; nothing here speaks HTTP.

const NS = 1_000_000n;
const HISTORY_S = 2 * 3600;
const UNKNOWN_SYMBOL_PRICE = 50;

/** A small seeded generator (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const START = {
  SPY: 167.42,
  IBM: 184.11,
  BAC: 13.87,
  AAPL: 226.4,
  MSFT: 417.3,
  NVDA: 124.9,
  TSLA: 248.6,
  AMZN: 186.2,
  'BINANCE:BTCUSDT': 64123.5,
};

const hash = (text) => [...text].reduce((h, c) => (Math.imul(h, 31) + c.codePointAt(0)) >>> 0, 17);

/** An exact decimal as the contract writes it: no trailing zeros. */
export const decimal = (value, digits = 2) => {
  const text = value.toFixed(digits);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
};

const seconds = (text) => {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return null;
  return Number(match[1]) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 }[match[2]];
};
export { seconds };

/** One symbol: per second its trades, summed up enough to make any window of them. */
class Tape {
  constructor(symbol, seed, startS, busy) {
    this.random = random(seed ^ hash(symbol));
    this.price = START[symbol] ?? UNKNOWN_SYMBOL_PRICE + this.random() * 200;
    this.drift = 0;
    this.startS = startS;
    this.busy = busy;
    this.slots = [];
  }

  second(observed) {
    const slot = { n: 0, volume: 0, pv: 0, p: 0, pp: 0, last: null, min: Infinity, max: -Infinity };
    this.drift = this.drift * 0.97 + (this.random() - 0.5) * 0.000012;
    const trades = Math.floor(this.random() * this.random() * 14 * this.busy);
    for (let i = 0; i < trades; i += 1) {
      this.price = Math.max(0.5, this.price * (1 + this.drift + (this.random() - 0.5) * 0.00022));
      const price = Math.round(this.price * 100) / 100;
      const size = Math.ceil(this.random() ** 3 * 9) * 100;
      if (observed) add(slot, price, size);
    }
    this.slots.push(slot);
  }

  /** The window of `length` seconds that ends at second `at` (Unix time). */
  window(at, length) {
    const end = at - this.startS;
    const sum = { n: 0, volume: 0, pv: 0, p: 0, pp: 0, last: null, min: Infinity, max: -Infinity };
    for (let i = Math.max(0, end - length); i < end && i < this.slots.length; i += 1) {
      const slot = this.slots[i];
      sum.n += slot.n;
      sum.volume += slot.volume;
      sum.pv += slot.pv;
      sum.p += slot.p;
      sum.pp += slot.pp;
      if (slot.last !== null) sum.last = slot.last;
      sum.min = Math.min(sum.min, slot.min);
      sum.max = Math.max(sum.max, slot.max);
    }
    return sum;
  }
}

function add(slot, price, size) {
  slot.n += 1;
  slot.volume += size;
  slot.pv += price * size;
  slot.p += price;
  slot.pp += price * price;
  slot.last = price;
  slot.min = Math.min(slot.min, price);
  slot.max = Math.max(slot.max, price);
}

export class FakeMarket {
  constructor({ seed = 1, symbols, windows, nowS, historyS = HISTORY_S, pastGaps = [] }) {
    this.seed = seed;
    this.windows = windows;
    this.historyS = historyS;
    this.tapes = new Map();
    this.gaps = [];
    this.nowS = nowS;
    this.startS = nowS - historyS;
    for (const symbol of symbols) this.add(symbol, historyS);
    for (const [agoS, lengthS] of pastGaps) this.pastGap(agoS, lengthS);
  }

  add(symbol, historyS = 0) {
    if (this.tapes.has(symbol)) return;
    const startS = this.nowS - historyS;
    const tape = new Tape(symbol, this.seed, startS, symbol === 'SPY' ? 1.6 : 0.9);
    for (let i = 0; i < historyS; i += 1) tape.second(true);
    this.tapes.set(symbol, tape);
  }

  /** A hole in the history, as a lost connection leaves it. */
  pastGap(agoS, lengthS) {
    const from = this.nowS - agoS;
    for (const tape of this.tapes.values()) {
      for (let s = from; s < from + lengthS; s += 1) {
        const slot = tape.slots[s - tape.startS];
        if (slot !== undefined)
          Object.assign(slot, { n: 0, volume: 0, pv: 0, p: 0, pp: 0, last: null, min: Infinity, max: -Infinity });
      }
    }
    this.gaps.push({ fromS: from, toS: from + lengthS, cause: 'disconnected', state: 'given_up' });
  }

  /** One second passes. */
  tick() {
    const open = this.openGap !== undefined;
    for (const tape of this.tapes.values()) tape.second(!open);
    this.nowS += 1;
  }

  get openGap() {
    return this.gaps.find((gap) => gap.toS === null);
  }

  cut() {
    if (this.openGap !== undefined) return null;
    const gap = { fromS: this.nowS, toS: null, cause: 'disconnected', state: 'open' };
    this.gaps.push(gap);
    return gap;
  }

  resume() {
    const gap = this.openGap;
    if (gap === undefined) return null;
    gap.toS = Math.max(this.nowS, gap.fromS + 1);
    gap.state = 'given_up';
    return gap;
  }

  gapJson(gap) {
    return {
      from_ns: Number(BigInt(gap.fromS) * 1000n * NS),
      to_ns: gap.toS === null ? null : Number(BigInt(gap.toS) * 1000n * NS),
      symbols: [...this.tapes.keys()],
      cause: gap.cause,
      state: gap.state,
    };
  }

  row(symbol, window, atS = this.nowS) {
    const tape = this.tapes.get(symbol);
    const length = seconds(window);
    const sum = tape.window(atS, length);
    const has = sum.n > 0;
    const mean = has ? sum.p / sum.n : null;
    return {
      symbol,
      window,
      timestamp_ns: atS * 1e9,
      transactions: sum.n,
      volume: decimal(sum.volume, 0),
      last_price: has ? decimal(sum.last) : null,
      min_price: has ? decimal(sum.min) : null,
      max_price: has ? decimal(sum.max) : null,
      avg_price_trans: mean,
      avg_price_volume: has ? sum.pv / sum.volume : null,
      variance: has ? Math.max(0, sum.pp / sum.n - mean * mean) : null,
      ...this.trust(tape, atS, length),
      revision: 0,
    };
  }

  trust(tape, atS, length) {
    let missing = Math.max(0, tape.startS - (atS - length));
    const warming = missing > 0;
    let gap = false;
    for (const { fromS, toS } of this.gaps) {
      const lost = Math.min(atS, toS ?? atS) - Math.max(atS - length, fromS);
      if (lost > 0 || (toS === null && fromS <= atS)) gap = true;
      missing += Math.max(0, lost);
    }
    return { status: gap ? 'gap' : warming ? 'warming' : 'complete', coverage: Math.max(0, 1 - missing / length) };
  }

  /** A jittered live view between grid points, so that numbers move ten times a second. */
  live(symbol, window, fraction) {
    const row = this.row(symbol, window);
    const tape = this.tapes.get(symbol);
    row.timestamp_ns += Math.floor(fraction * 10) * 1e8;
    if (row.last_price !== null && this.openGap === undefined) {
      const price = tape.price * (1 + (tape.random() - 0.5) * 0.0004);
      row.last_price = decimal(price);
      row.transactions += Math.floor(fraction * 10);
    }
    return row;
  }

  series({ symbol, window, fromS, toS, stepS }) {
    const tape = this.tapes.get(symbol);
    const from = Math.max(Math.ceil(fromS), tape.startS + 1);
    const to = Math.min(Math.floor(toS), this.nowS);
    const rows = [];
    const length = seconds(window);
    for (let bucket = Math.floor(from / stepS); bucket <= Math.floor(to / stepS); bucket += 1) {
      const at = Math.min(to, bucket * stepS + stepS - 1);
      if (at < from) continue;
      const row = this.row(symbol, window, at);
      for (let s = Math.max(from, bucket * stepS); s < at; s += 1) {
        const trust = this.trust(tape, s, length);
        if (trust.status === 'gap') row.status = 'gap';
        row.coverage = Math.min(row.coverage, trust.coverage);
      }
      rows.push(row);
    }
    return rows;
  }
}
