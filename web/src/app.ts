// The page as a whole: it builds the parts, and says which part answers to what.

import { ChartPanel } from './chart/panel';
import { follow, unfollow } from './live/follow';
import { ApiError, liveUrl } from './live/api';
import { Frames, type Changes } from './live/frames';
import { Loader } from './live/loader';
import { Market } from './live/market';
import { LiveStream } from './live/stream';
import { RANGES } from './chart/head';
import { WatchList } from './list/watch-list';
import { Backoff } from './pure/backoff';
import { el } from './shell/dom';
import { Empty } from './shell/empty';
import { Header } from './shell/header';
import { Help } from './shell/help';
import { listenToKeys } from './shell/keys';
import { Login } from './shell/login';
import { recall, remember } from './shell/memory';
import { Notices } from './shell/notices';
import { forgetPalette } from './shell/palette';
import { SettingsPanel } from './shell/settings-panel';
import { StatusBar } from './shell/status-bar';
import { ThemeSwitch } from './shell/theme';
import { Toasts } from './shell/toast';
import { Toolbar } from './shell/toolbar';

/** From this width on list and chart stand side by side. */
const SPLIT = matchMedia('(min-width: 1200px)');

export class App {
  readonly frames = new Frames();
  readonly market = new Market(this.frames);
  chart: ChartPanel | null = null;
  /** The window length that the event stream was opened for. */
  private heardWindow: string | null = null;
  private readonly loader = new Loader(this.market, this.frames);
  private readonly stream: LiveStream;
  private readonly theme = new ThemeSwitch(() => this.takeTheme());
  private readonly toasts = new Toasts();
  private readonly help = new Help();
  private readonly login = new Login(() => this.stream.connect());
  private readonly settings = new SettingsPanel(this.market, () => this.toasts.show('Settings saved.'));
  private readonly header = new Header(this.market, {
    settings: () => this.settings.open(),
    theme: () => this.theme.toggle(),
    help: () => this.help.dialog.open(),
    window: (window) => this.chooseWindow(window),
  });
  private readonly notices = new Notices(this.market);
  private readonly toolbar = new Toolbar(this.market, {
    filter: (text) => this.list.setFilter(text),
    added: (symbol) => this.takeAdded(symbol),
  });
  private readonly list = new WatchList(
    this.market,
    { open: (symbol) => this.open(symbol), remove: (symbol) => void this.remove(symbol) },
    this.frames,
  );
  private readonly empty = new Empty(this.market, () => this.toolbar.focusAdd());
  private readonly statusBar = new StatusBar(this.market);
  private readonly main = el('main', { class: 'main' });

  constructor() {
    this.market.window = this.market.chosenWindow = recall('window');
    this.stream = new LiveStream({
      open: () => {
        this.heardWindow = this.market.window;
        return new EventSource(liveUrl(this.market.window));
      },
      prepare: () => this.loader.prepare(),
      onEvent: (name, data) => {
        this.market.take(name, data);
        if (name === 'snapshot') this.takeSnapshot();
        if (name === 'followed') this.loader.fillSparks();
      },
      onState: (connection) => {
        this.market.takeConnection(connection);
        if (connection.state === 'login') this.login.open();
      },
      backoff: new Backoff(),
      now: () => performance.now(),
    });
  }

  start(): void {
    const listPane = el(
      'section',
      { class: 'list-pane', attrs: { 'aria-label': 'Symbols' } },
      this.toolbar.root,
      this.list.root,
      this.empty.root,
    );
    this.main.append(listPane);
    document.body.append(
      this.header.root,
      this.notices.root,
      this.main,
      this.statusBar.root,
      this.toasts.root,
      this.help.dialog.root,
      this.settings.dialog.root,
      this.login.dialog.root,
    );
    this.frames.onFrame((changes) => this.render(changes));
    this.market.onPoint((row) => this.chart?.takePoint(row));
    addEventListener('hashchange', () => this.showHash());
    this.listenKeys();
    this.frames.topic('connection');
    this.stream.connect();
  }

  private render(changes: Changes): void {
    for (const part of [this.header, this.notices, this.list, this.empty, this.statusBar, this.settings])
      part.render(changes);
    if (changes.topics.has('settings')) this.loader.fillSparks();
    if (this.market.window !== this.heardWindow && this.market.connection.state === 'live') this.takeWindow();
    document.body.classList.toggle('unheard', this.market.lost !== null);
    this.frames.afterwards(() => this.chart?.render(changes));
  }

  private takeSnapshot(): void {
    this.loader.refill();
    if (this.market.snapshots <= 2) this.showHash();
    this.chart?.refresh();
  }

  private takeTheme(): void {
    forgetPalette();
    this.frames.topic('theme');
  }

  private chooseWindow(window: string): void {
    const isNew = window !== this.market.window;
    this.market.chooseWindow(window);
    remember('window', window);
    if (isNew) this.takeWindow();
  }

  /** Another window length, chosen here or because the settings took the old one away: other rows, other points. */
  private takeWindow(): void {
    this.heardWindow = this.market.window;
    this.chart?.reload();
    this.stream.connect();
  }

  private nextWindow(): void {
    const { windows, window } = this.market;
    const next = windows[(windows.indexOf(window ?? '') + 1) % Math.max(1, windows.length)];
    if (next !== undefined) this.chooseWindow(next);
  }

  /** The address names the open symbol, so that Back, reload and bookmarks work. */
  private open(symbol: string): void {
    remember('chart', null);
    location.hash = `#/${encodeURIComponent(symbol)}`;
  }

  private close(): void {
    remember('chart', 'closed');
    const symbol = this.chart?.symbol;
    this.leave();
    if (symbol !== undefined) this.list.focus(symbol);
  }

  private leave(): void {
    history.pushState(null, '', location.pathname + location.search);
    this.showHash();
  }

  private showHash(): void {
    const named = symbolOfHash();
    const wide = SPLIT.matches && recall('chart') !== 'closed';
    const symbol = named ?? (wide ? (this.list.first ?? [...this.market.symbols.keys()][0] ?? null) : null);
    if (symbol === (this.chart?.symbol ?? null)) return;
    this.chart?.close();
    this.chart =
      symbol === null
        ? null
        : new ChartPanel(symbol, this.market, { close: () => this.close(), remove: () => void this.remove(symbol) });
    if (this.chart !== null) this.main.append(this.chart.root);
    this.main.classList.toggle('with-chart', this.chart !== null);
    this.list.setOpen(symbol);
    document.title = symbol === null ? 'stock-up' : `${symbol} · stock-up`;
    this.frames.topic('choice');
  }

  private takeAdded(symbol: string): void {
    this.loader.fillSparks();
    this.frames.topic('list');
    this.open(symbol);
  }

  private async remove(symbol: string): Promise<void> {
    const at = this.market.settings?.settings.subscriptions.indexOf(symbol) ?? -1;
    try {
      await unfollow(this.market, symbol);
      if (this.chart?.symbol === symbol) this.leave();
      const undo = (): void =>
        void follow(this.market, [symbol], at < 0 ? undefined : at).then(
          () => this.loader.fillSparks(),
          (error) => this.complain(error),
        );
      this.toasts.show(`${symbol} is no longer followed. What was stored stays.`, 'info', { label: 'Undo', run: undo });
    } catch (error) {
      this.complain(error);
    }
  }

  private complain(error: unknown): void {
    this.toasts.show(error instanceof ApiError ? error.detail : String(error), 'error');
  }

  private step(by: number): void {
    const symbol = this.list.move(by);
    if (symbol !== null && this.chart !== null && SPLIT.matches) this.open(symbol);
  }

  private escape(): void {
    if (!this.toolbar.escape() && this.chart !== null) this.close();
  }

  /** Where the chart has taken the list's place, the list comes back first. */
  private toList(act: () => void): void {
    if (!SPLIT.matches && this.chart !== null) this.close();
    act();
  }

  private removeCurrent(): void {
    const symbol = this.list.current;
    if (symbol !== null) void this.remove(symbol);
  }

  private listenKeys(): void {
    const openCurrent = (): void => {
      const symbol = this.list.current ?? this.list.first;
      if (symbol !== null) this.open(symbol);
    };
    const ranges = Object.fromEntries(
      RANGES.map(({ name }, i) => [String(i + 1), () => void this.chart?.chooseRange(name)]),
    );
    const isModal = (): boolean => document.querySelector('dialog[open]') !== null;
    listenToKeys(
      {
        j: () => this.step(1),
        ArrowDown: () => this.step(1),
        k: () => this.step(-1),
        ArrowUp: () => this.step(-1),
        Enter: openCurrent,
        '/': () => this.toList(() => this.toolbar.focusFilter()),
        a: () => this.toList(() => this.toolbar.focusAdd()),
        x: () => this.removeCurrent(),
        Delete: () => this.removeCurrent(),
        t: () => this.theme.toggle(),
        '?': () => this.help.dialog.open(),
        s: () => this.settings.open(),
        w: () => this.nextWindow(),
        Escape: () => this.escape(),
        ArrowLeft: () => this.chart?.panBy(0.1),
        ArrowRight: () => this.chart?.panBy(-0.1),
        '+': () => this.chart?.zoomBy(0.8),
        '=': () => this.chart?.zoomBy(0.8),
        '-': () => this.chart?.zoomBy(1.25),
        l: () => this.chart?.goLive(),
        ...ranges,
      },
      isModal,
    );
  }
}

function symbolOfHash(): string | null {
  const match = /^#\/(.+)$/.exec(location.hash);
  if (match?.[1] === undefined) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}
