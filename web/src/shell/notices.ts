// What a reader must know before trusting the page: refused settings, a refused or lost feed, a lost server.
// Each notice says what happened and stays until it is over.

import type { Changes } from '../live/frames';
import type { Market } from '../live/market';
import { el } from './dom';

interface Notice {
  kind: 'error' | 'warn';
  title: string;
  detail: string;
}

export class Notices {
  readonly root = el('div', {
    class: 'notices',
    attrs: { role: 'region', 'aria-label': 'Notices', 'aria-live': 'polite' },
  });
  private shown = '';

  constructor(private readonly market: Market) {}

  render(changes: Changes): void {
    const { topics } = changes;
    if (!topics.has('feed') && !topics.has('settings') && !topics.has('connection') && !topics.has('list')) return;
    const notices = this.current();
    const key = JSON.stringify(notices);
    if (key === this.shown) return;
    this.shown = key;
    this.root.replaceChildren(
      ...notices.map(({ kind, title, detail }) =>
        el('p', { class: `notice ${kind}` }, el('strong', { text: title }), el('span', { text: detail })),
      ),
    );
  }

  private current(): Notice[] {
    const { connection, lost, feed, settings, snapshots } = this.market;
    const notices: Notice[] = [];
    if (lost !== null && snapshots > 0) {
      notices.push({
        kind: 'error',
        title: 'Not connected to the server.',
        detail: `${sentence(lost)} What you see is from before; trying again.`,
      });
    }
    if (connection.state === 'live' && feed.state === 'refused') {
      notices.push({ kind: 'error', title: 'The venue refused the feed.', detail: sentence(feed.detail) });
    }
    if (connection.state === 'live' && feed.state === 'disconnected') {
      notices.push({
        kind: 'error',
        title: 'The feed is cut.',
        detail: `Trades are being missed; the gap is marked. ${sentence(feed.detail)}`,
      });
    }
    if (settings?.refused != null) {
      notices.push({
        kind: 'warn',
        title: 'The last change of the settings was refused; the old ones stay.',
        detail: sentence(settings.refused.detail),
      });
    }
    return notices;
  }
}

function sentence(text: string): string {
  if (text === '') return '';
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
