// The head of a chart: which symbol, what it costs now, how far to trust it, and the choices.

import type { Market } from '../live/market';
import { windowName } from '../pure/duration';
import { compact, exact, percent, signed } from '../pure/format';
import { button, el, setClass, setText, setTitle } from '../shell/dom';
import { STATUS_MEANING } from '../shell/status-words';

export const RANGES = [
  { name: '15m', spanMs: 15 * 60_000 },
  { name: '1h', spanMs: 3_600_000 },
  { name: '6h', spanMs: 6 * 3_600_000 },
  { name: '1d', spanMs: 86_400_000 },
  { name: 'all', spanMs: null },
] as const;

export type RangeName = (typeof RANGES)[number]['name'];

export interface HeadActions {
  range: (name: RangeName) => void;
  live: () => void;
  close: () => void;
  remove: () => void;
}

export class ChartHead {
  readonly root: HTMLElement;
  private readonly price = el('span', { class: 'head-price' });
  private readonly change = el('span', { class: 'head-change' });
  private readonly badge = el('span', { class: 'badge none' });
  private readonly coverage = el('span', { class: 'coverage' });
  private readonly activity = el('span', { class: 'head-activity' });
  private readonly ranges = new Map<RangeName, HTMLButtonElement>();
  private readonly live: HTMLButtonElement;

  constructor(
    private readonly symbol: string,
    private readonly market: Market,
    actions: HeadActions,
  ) {
    this.live = button('Live', actions.live, { class: 'live-button', title: 'Follow the newest point (l)' });
    for (const { name } of RANGES) {
      this.ranges.set(
        name,
        button(name, () => actions.range(name), { class: 'segment', title: rangeTitle(name) }),
      );
    }
    const ranges = el(
      'div',
      { class: 'segments', attrs: { role: 'group', 'aria-label': 'Range' } },
      ...this.ranges.values(),
    );
    const key = el(
      'div',
      { class: 'key', attrs: { 'aria-hidden': 'true' } },
      el('span', { class: 'k-last', text: 'Last' }),
      el('span', { class: 'k-vwap', text: 'VWAP' }),
      el('span', { class: 'k-band', text: 'Min–max' }),
      el('span', { class: 'k-gap', text: 'Gap' }),
    );
    const close = button('Close chart', actions.close, { text: '×', class: 'icon-button close', title: 'Close (Esc)' });
    const remove = button('Remove', actions.remove, {
      class: 'quiet remove-symbol',
      title: 'Stop following this symbol (x)',
    });
    this.root = el(
      'header',
      { class: 'chart-head' },
      el(
        'div',
        { class: 'head-line' },
        el('h2', { class: 'head-symbol', text: symbol }),
        this.price,
        this.change,
        el('span', { class: 'head-status' }, this.badge, this.coverage),
        this.activity,
        close,
      ),
      el('div', { class: 'head-tools' }, ranges, this.live, key, remove),
    );
  }

  render(): void {
    const tracked = this.market.symbols.get(this.symbol);
    const decimals = tracked?.decimals ?? 2;
    setText(this.price, exact(tracked?.price?.text ?? null, decimals));
    const change = tracked?.change ?? null;
    setText(this.change, change === null ? '' : `${signed(change.absolute, decimals)}  ${signed(change.percent, 2)} %`);
    setClass(
      this.change,
      `head-change ${change === null || change.absolute === 0 ? '' : change.absolute > 0 ? 'rise' : 'fall'}`,
    );
    setTitle(this.change, 'Against the oldest point of the last 15 minutes');
    const row = tracked?.row ?? null;
    setText(
      this.activity,
      row === null
        ? ''
        : `${compact(row.transactions)} trades · ${compact(Number(row.volume))} volume in ${windowName(row.window)}`,
    );
    const status = this.market.statusOf(this.symbol);
    setText(this.badge, status ?? 'no data');
    setClass(this.badge, `badge ${status ?? 'none'}`);
    setTitle(this.badge, status === null ? 'No trade was seen yet' : STATUS_MEANING[status]);
    setText(this.coverage, row === null || status === 'complete' ? '' : percent(row.coverage));
  }

  showView(range: RangeName | null, follow: boolean): void {
    for (const [name, node] of this.ranges) node.setAttribute('aria-pressed', String(name === range));
    this.live.setAttribute('aria-pressed', String(follow));
  }
}

const rangeTitle = (name: RangeName): string => {
  const place = RANGES.findIndex((range) => range.name === name) + 1;
  return name === 'all' ? `All that is stored (${place})` : `The last ${name} (${place})`;
};
