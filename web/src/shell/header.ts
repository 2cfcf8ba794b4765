// The top of the page: what market this is, how the feed does, whether the server is heard.

import { msOf } from '../contract';
import type { Changes } from '../live/frames';
import type { Market } from '../live/market';
import type { Connection } from '../live/stream';
import { humanDuration, windowName } from '../pure/duration';
import { clockNear } from '../pure/format';
import { button, el, icon, setClass, setText, setTitle } from './dom';
import { FEED_MEANING } from './status-words';

const GEAR = 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11M6 3v3M10.5 6.5v3M5 10v3';
const SUN =
  'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.2v1.6M8 13.2v1.6' +
  'M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1';
const QUESTION = 'M5.6 6.1a2.4 2.4 0 1 1 3.3 2.2c-.6.3-.9.7-.9 1.4M8 12.3v.2';
const BARS = 'M2.5 13.5v-4M6.2 13.5v-7M9.8 13.5v-5M13.5 13.5v-11';

export interface HeaderActions {
  settings: () => void;
  theme: () => void;
  help: () => void;
  window: (window: string) => void;
}

export class Header {
  readonly root: HTMLElement;
  private readonly venue = el('span', { class: 'venue' });
  private readonly simulated = el('strong', {
    class: 'simulated',
    text: 'Simulated market',
    attrs: { hidden: '' },
    title: 'These trades are made up by the demo venue. No real market is shown.',
  });
  private readonly feed = el('span', { class: 'pill feed', attrs: { role: 'status', 'aria-live': 'polite' } });
  private readonly feedSince = el('span', { class: 'since' });
  private readonly server = el('span', { class: 'pill server', attrs: { role: 'status', 'aria-live': 'polite' } });
  private readonly windows = el('div', {
    class: 'segments windows',
    attrs: { role: 'group', 'aria-label': 'Window length' },
  });
  private windowsShown = '';

  constructor(
    private readonly market: Market,
    private readonly actions: HeaderActions,
  ) {
    const brand = el('h1', { class: 'brand' }, icon(BARS), el('span', { text: 'stock-up' }));
    this.root = el(
      'header',
      { class: 'topbar' },
      el('div', { class: 'identity' }, brand, this.venue, this.simulated),
      el('div', { class: 'states' }, el('span', { class: 'feed-group' }, this.feed, this.feedSince), this.server),
      el(
        'div',
        { class: 'window-choice' },
        el('span', { class: 'label', text: 'Window', attrs: { 'aria-hidden': 'true' } }),
        this.windows,
      ),
      el(
        'div',
        { class: 'top-actions' },
        tool('Settings (s)', GEAR, actions.settings),
        tool('Dark or light (t)', SUN, actions.theme),
        tool('Help (?)', QUESTION, actions.help),
      ),
    );
  }

  render(changes: Changes): void {
    const { topics } = changes;
    if (topics.has('list') || topics.has('choice')) this.renderMarket();
    if (topics.has('feed') || topics.has('connection') || topics.has('pipeline')) this.renderStates();
  }

  private renderMarket(): void {
    setText(this.venue, this.market.venue);
    this.simulated.hidden = !this.market.simulated;
    const { windows, window } = this.market;
    const shown = JSON.stringify(windows);
    if (shown !== this.windowsShown) {
      this.windowsShown = shown;
      this.windows.replaceChildren(
        ...windows.map((each) => {
          const segment = button(windowName(each), () => this.actions.window(each), {
            class: 'segment',
            title: `Numbers over the last ${windowName(each)} (w)`,
          });
          segment.dataset['window'] = each;
          return segment;
        }),
      );
    }
    for (const segment of this.windows.querySelectorAll<HTMLElement>('.segment')) {
      segment.setAttribute('aria-pressed', String(segment.dataset['window'] === window));
    }
  }

  private renderStates(): void {
    const { feed, connection, clock } = this.market;
    const heard = connection.state === 'live';
    const nowMs = clock.nowMs() ?? Date.now();
    setText(this.feed, heard ? `Feed ${feed.state}` : 'Feed unknown');
    setClass(this.feed, `pill feed ${heard ? feed.state : 'unknown'}`);
    setTitle(this.feed, [FEED_MEANING[feed.state], feed.detail].filter((part) => part !== '').join(': '));
    const sinceMs = feed.since_ns === null ? null : msOf(feed.since_ns);
    setText(this.feedSince, sinceMs === null || !heard ? '' : `since ${clockNear(sinceMs, nowMs)}`);
    setTitle(this.feedSince, sinceMs === null ? '' : `for ${humanDuration(nowMs - sinceMs)}`);
    setText(this.server, serverWords(connection, this.market.lost !== null));
    setClass(this.server, `pill server ${this.market.lost === null ? connection.state : 'waiting'}`);
    setTitle(
      this.server,
      this.market.lost !== null
        ? `${this.market.lost}; the numbers shown are from before`
        : 'The event stream from the server to this page',
    );
  }
}

function serverWords(connection: Connection, again: boolean): string {
  switch (connection.state) {
    case 'live':
      return 'Server connected';
    case 'connecting':
      return again ? 'Reconnecting…' : 'Connecting…';
    case 'waiting':
      return 'Reconnecting…';
    case 'login':
      return 'Token needed';
  }
}

function tool(label: string, path: string, run: () => void): HTMLButtonElement {
  const node = button(label, run, { class: 'icon-button', text: '', title: label });
  node.append(icon(path));
  return node;
}
