// A stand-in for role `serve`, for developing the page and testing it: docs/http.md over a fake market, plain node.
// `node mock/server.mjs [--port 8080] [--symbols SPY,IBM] [--count 50] [--token T]`
// Control: POST /mock {"action": "cut" | "resume" | "late" | "refuse" | "accept" | "refuse_settings" | "accept_settings" | "mute" | "drop"}.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeMarket, seconds } from './market.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const POINTS_MAX = 10_000;

export class MockServer {
  constructor({
    symbols = ['SPY', 'IBM', 'BAC'],
    windows = ['60s', '5m'],
    token = null,
    seed = 7,
    historyS = 7200,
    pastGaps = [[400, 45]],
    simulated = true,
  } = {}) {
    const nowS = Math.floor(Date.now() / 1000);
    this.market = new FakeMarket({ seed, symbols, windows, nowS, historyS, pastGaps });
    this.token = token;
    this.simulated = simulated;
    this.settings = {
      revision: 1,
      source: '/tmp/mock/settings.toml',
      settings: { subscriptions: [...symbols], windows, lateness: '1s', log_level: 'info' },
      refused: null,
    };
    this.feed = { state: 'live', since_ns: nowS * 1e9, detail: '' };
    this.clients = new Set();
    this.muted = false;
    this.received = 120_000;
    this.late = { delayed: 0, out_of_order: 0 };
    this.tenths = 0;
    this.http = createServer((request, response) => void this.answer(request, response));
  }

  async listen(port = 0) {
    await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
    this.timer = setInterval(() => this.tenth(), 100);
    return `http://127.0.0.1:${this.http.address().port}/`;
  }

  async close() {
    clearInterval(this.timer);
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  /** Ten times a second: rows; once a second: the clock, points and rates. */
  tenth() {
    this.tenths += 1;
    while (this.market.nowS < Math.floor(Date.now() / 1000)) this.second();
    const fraction = (Date.now() % 1000) / 1000;
    const rows = this.subscribed().flatMap((symbol) =>
      this.market.windows.map((window) => this.market.live(symbol, window, fraction)),
    );
    this.received += this.market.openGap === undefined ? rows.length : 0;
    if (this.market.openGap === undefined || this.tenths % 10 === 0)
      this.send('rows', { time_ns: Date.now() * 1e6, rows });
    if (this.tenths % 10 === 0) this.send('pipeline', this.pipeline());
  }

  second() {
    this.market.tick();
    const rows = this.subscribed().flatMap((symbol) =>
      this.market.windows.map((window) => this.market.row(symbol, window)),
    );
    this.send('points', { rows });
  }

  subscribed() {
    return this.settings.settings.subscriptions;
  }

  pipeline() {
    const live = this.market.openGap === undefined;
    const symbols = this.subscribed().length;
    return {
      trades_per_second: live ? symbols * 10 : 0,
      points_per_second: symbols * this.market.windows.length,
      received: this.received,
      applied: this.received - 12 - this.late.delayed - this.late.out_of_order,
      duplicate: 12,
      ineligible: 0,
      late_dropped: this.late.delayed + this.late.out_of_order,
      late_dropped_by_cause: this.late,
      refused: 0,
      in_flight: 0,
      lag_records: live ? 1 : 0,
      log_bytes: 41_943_040 + this.received * 31,
      gaps_open: live ? 0 : 1,
    };
  }

  send(name, data) {
    if (this.muted) return;
    for (const client of this.clients) client.send(name, data);
  }

  symbols() {
    const followed = this.subscribed();
    const entries = followed.map((symbol) => ({
      symbol,
      subscribed: true,
      rows: this.market.tapes.has(symbol) ? this.market.windows.map((window) => this.market.row(symbol, window)) : [],
    }));
    return {
      time_ns: Date.now() * 1e6,
      simulated: this.simulated,
      venue: 'demo',
      windows: this.market.windows,
      grid: '1s',
      feed: this.feed,
      symbols: entries,
    };
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://localhost');
    response.setHeader('content-security-policy', CSP);
    response.setHeader('x-content-type-options', 'nosniff');
    try {
      if (url.pathname === '/mock') return json(response, 200, this.control(await body(request)));
      if (url.pathname === '/healthz') return response.end('ok');
      if (!url.pathname.startsWith('/api/')) return this.file(url.pathname, response);
      if (url.pathname === '/api/v1/session') return this.session(await body(request), response);
      if (!this.allowed(request))
        return fail(response, 401, 'unauthorized', 'this server needs a token; log in or send it as a bearer token');
      await this.api(url, request, response);
    } catch (error) {
      if (!response.headersSent) fail(response, 500, 'internal', String(error));
    }
  }

  async api(url, request, response) {
    const query = Object.fromEntries(url.searchParams);
    switch (`${request.method} ${url.pathname.slice('/api/v1/'.length)}`) {
      case 'GET symbols':
        return json(response, 200, this.symbols());
      case 'GET series':
        return this.series(query, response);
      case 'GET gaps':
        return json(response, 200, { gaps: this.market.gaps.map((gap) => this.market.gapJson(gap)) });
      case 'GET settings':
        return json(response, 200, this.settings);
      case 'PUT settings':
        return this.change(request, await body(request), response);
      case 'GET live':
        return this.live(query, response);
      default:
        return fail(response, 404, 'not_found', `${request.method} ${url.pathname} is not served`);
    }
  }

  series(query, response) {
    const { symbol, window } = query;
    if (!this.market.tapes.has(symbol))
      return fail(response, 404, 'unknown_symbol', `no series of \`${symbol}\` is stored`);
    if (!this.market.windows.includes(window))
      return fail(response, 404, 'unknown_window', `window \`${window}\` is not configured`);
    const toS = time(query.to) ?? Date.now() / 1000;
    const fromS = time(query.from) ?? toS - 3600;
    const span = toS - Math.max(fromS, this.market.startS);
    const stepS = query.step
      ? Math.max(1, seconds(query.step) ?? 1)
      : (STEPS.find((step) => span / step <= 2000) ?? 3600);
    const all = this.market.series({ symbol, window, fromS, toS, stepS });
    const rows = all.slice(-POINTS_MAX);
    const columns = { symbol, window, step: `${stepS}s` };
    for (const name of [
      'timestamp_ns',
      'transactions',
      'volume',
      'last_price',
      'min_price',
      'max_price',
      'avg_price_trans',
      'avg_price_volume',
      'variance',
      'status',
      'coverage',
      'revision',
    ]) {
      columns[name] = rows.map((row) => row[name]);
    }
    return json(response, 200, { ...columns, truncated: rows.length < all.length });
  }

  change(request, wanted, response) {
    if (request.headers['x-stock-up'] !== '1')
      return fail(response, 403, 'forbidden', 'the header x-stock-up is missing');
    if (wanted.revision !== this.settings.revision)
      return fail(
        response,
        409,
        'conflict',
        `the settings are at revision ${this.settings.revision}, not ${wanted.revision}; read them again`,
      );
    const { subscriptions, windows } = wanted.settings;
    const long = subscriptions.find((symbol) => symbol.length > 64);
    if (long !== undefined)
      return fail(
        response,
        400,
        'invalid',
        `symbol \`${long.slice(0, 12)}…\` has ${long.length} characters; at most 64 are allowed`,
      );
    const odd = windows.find((window) => (seconds(window) ?? 0) < 1);
    if (odd !== undefined)
      return fail(response, 400, 'invalid', `window \`${odd}\` is shorter than the grid; use 1s or more`);
    for (const symbol of subscriptions) this.market.add(symbol);
    this.market.windows = windows;
    this.settings = { ...this.settings, revision: wanted.revision + 1, settings: wanted.settings, refused: null };
    this.send('settings', this.settings);
    this.send('followed', { symbols: subscriptions, windows, grid: '1s' });
    return json(response, 200, this.settings);
  }

  /** The snapshot comes first, also to who connected while nothing was let through. */
  greet(client) {
    if (this.muted || client.greeted) return;
    client.greeted = true;
    client.send('snapshot', this.symbols());
  }

  live(query, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const only = (rows) => (query.window ? rows.filter((row) => row.window === query.window) : rows);
    const client = {
      greeted: false,
      response,
      send: (name, data) => {
        const kept = data.rows === undefined ? data : { ...data, rows: only(data.rows) };
        response.write(`event: ${name}\ndata: ${JSON.stringify(kept)}\n\n`);
      },
    };
    this.clients.add(client);
    response.on('close', () => this.clients.delete(client));
    this.greet(client);
  }

  session({ token }, response) {
    if (token !== this.token) return fail(response, 401, 'unauthorized', 'that is not the token of this server');
    response.writeHead(204, { 'set-cookie': 'stock_up_session=granted; HttpOnly; SameSite=Strict; Path=/' });
    return response.end();
  }

  allowed(request) {
    return (
      this.token === null ||
      (request.headers.cookie ?? '').includes('stock_up_session=granted') ||
      request.headers.authorization === `Bearer ${this.token}`
    );
  }

  /** What tests do to the world. */
  control({ action, detail = '' }) {
    const setFeed = (state, why) => {
      this.feed = { state, since_ns: Date.now() * 1e6, detail: why };
      this.send('feed', this.feed);
    };
    const tellGap = (gap) => gap !== null && this.send('gap', this.market.gapJson(gap));
    const actions = {
      cut: () => {
        setFeed('disconnected', 'connection closed by the venue');
        tellGap(this.market.cut());
      },
      resume: () => {
        tellGap(this.market.resume());
        setFeed('live', '');
      },
      late: () => {
        this.late = { delayed: 2, out_of_order: 1 };
      },
      refuse: () => setFeed('refused', detail || 'the venue answered 401: the token is not valid'),
      refuse_settings: () => {
        this.settings = { ...this.settings, refused: { detail: detail || 'line 3: window `60x` is no duration' } };
        this.send('settings', this.settings);
      },
      accept_settings: () => {
        this.settings = { ...this.settings, refused: null };
        this.send('settings', this.settings);
      },
      bump: () => {
        this.settings = { ...this.settings, revision: this.settings.revision + 1 };
      },
      mute: () => {
        this.muted = true;
      },
      unmute: () => {
        this.muted = false;
        for (const client of this.clients) this.greet(client);
      },
      drop: () => {
        for (const client of this.clients) client.response.destroy();
      },
    };
    actions[action]?.();
    return { done: action in actions };
  }

  file(path, response) {
    const name = normalize(path === '/' ? 'index.html' : path.slice(1));
    const full = join(DIST, name);
    if (name.startsWith('..') || !existsSync(full) || !statSync(full).isFile())
      return fail(response, 404, 'not_found', `no file ${path}`);
    response.writeHead(200, { 'content-type': TYPES[extname(full)] ?? 'application/octet-stream' });
    return createReadStream(full).pipe(response);
  }
}

const json = (response, status, value) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const fail = (response, status, error, detail) => json(response, status, { error, detail });
const time = (text) =>
  text === undefined || text === ''
    ? undefined
    : /^\d+$/.test(text)
      ? Number(BigInt(text) / 1_000_000n) / 1000
      : Date.parse(text) / 1000;

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
  };
  const named = flag('symbols', 'SPY,IBM,BAC,AAPL,MSFT,NVDA,TSLA,AMZN,BINANCE:BTCUSDT')
    .split(',')
    .filter((symbol) => symbol !== '');
  const count = Number(flag('count', '0'));
  const symbols = count > 0 ? Array.from({ length: count }, (_, i) => `S${String(i).padStart(2, '0')}`) : named;
  const server = new MockServer({ symbols, token: flag('token', null) });
  console.log(`mock of stock-up at ${await server.listen(Number(flag('port', '8080')))}`);
}
