// What stands where the list would be while there is none: not just "nothing", but what to do.

import type { Changes } from '../live/frames';
import type { Market } from '../live/market';
import { button, el, setText } from './dom';

interface Words {
  title: string;
  text: string;
  /** Whether adding a symbol is what helps. */
  offersAdd: boolean;
}

export class Empty {
  readonly root: HTMLElement;
  private readonly title = el('h2');
  private readonly text = el('p');
  private readonly add: HTMLButtonElement;

  constructor(
    private readonly market: Market,
    add: () => void,
  ) {
    this.add = button('Add a symbol', add, { class: 'primary' });
    this.root = el('div', { class: 'empty', attrs: { hidden: '' } }, this.title, this.text, this.add);
  }

  render(changes: Changes): void {
    if (changes.topics.size === 0 && changes.rows.size === 0) return;
    const words = this.words();
    this.root.hidden = words === null;
    if (words === null) return;
    setText(this.title, words.title);
    setText(this.text, words.text);
    this.add.hidden = !words.offersAdd;
  }

  private words(): Words | null {
    const { market } = this;
    if (market.snapshots === 0) return this.beforeFirstSnapshot();
    if (market.symbols.size === 0) {
      return {
        title: 'No symbols yet',
        text:
          'Add the first one to follow, for example SPY. ' +
          'Its trades are captured from then on, and its windows fill up.',
        offersAdd: true,
      };
    }
    const quiet = [...market.symbols.values()].every((tracked) => tracked.price === null);
    if (!quiet) return null;
    if (market.feed.state === 'refused') {
      return {
        title: 'The venue refused the feed',
        text:
          `${market.feed.detail || 'No reason was given.'} ` +
          'Check the token and the venue’s address, then restart stock-up.',
        offersAdd: false,
      };
    }
    return {
      title: 'No trades yet',
      text: 'The symbols are being followed. Numbers appear with the first trade; outside trading hours that may take a while.',
      offersAdd: false,
    };
  }

  private beforeFirstSnapshot(): Words {
    const { lost } = this.market;
    if (lost !== null) {
      return {
        title: 'The server does not answer',
        text: `${lost}. Start it with “stock-up run”; this page connects by itself.`,
        offersAdd: false,
      };
    }
    return { title: 'Connecting…', text: 'Asking the server what it follows.', offersAdd: false };
  }
}
