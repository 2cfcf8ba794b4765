// One symbol's row. It keeps its cells and touches only those whose text changed.

import { msOf } from '../contract';
import type { Market } from '../live/market';
import type { TrackedSymbol } from '../live/tracked-symbol';
import { ABSENT, clock, compact, exact, mean, percent, signed } from '../pure/format';
import type { Size } from '../shell/canvas';
import { button, el, setClass, setText, setTitle } from '../shell/dom';
import { STATUS_MEANING } from '../shell/status-words';
import type { ColumnName } from './columns';
import { drawSparkline } from './sparkline';

/**
 * How long a tick stays tinted. A style that comes and goes costs two paints;
 * an animation would repaint every moving row sixty times a second.
 */
export const TINT_MS = 350;

export interface RowActions {
  open: (symbol: string) => void;
  remove: (symbol: string) => void;
}

export class RowView {
  readonly root = el('tr', { class: 'row', attrs: { role: 'row' } });
  readonly opener: HTMLButtonElement;
  private readonly canvas = el('canvas', { class: 'spark', attrs: { 'aria-hidden': 'true' } });
  private readonly last = el('span', { class: 'tick' });
  private readonly change = el('span');
  private readonly changeAbsolute = el('span', { class: 'absolute' });
  private readonly changeBox = el('span', {}, this.change, this.changeAbsolute);
  private readonly vwap = el('span');
  private readonly trades = el('span');
  private readonly volume = el('span');
  private readonly badge = el('span', { class: 'badge none' });
  private readonly coverage = el('span', { class: 'coverage' });
  private movesShown = 0;
  private tintedMs = -Infinity;

  constructor(
    readonly tracked: TrackedSymbol,
    private readonly market: Market,
    actions: RowActions,
  ) {
    const { symbol } = tracked;
    this.opener = button(symbol, () => actions.open(symbol), { class: 'symbol', title: `Open the chart of ${symbol}` });
    this.opener.dataset['symbol'] = symbol;
    const remove = button(`Remove ${symbol}`, () => actions.remove(symbol), {
      text: '×',
      class: 'remove',
      title: `Remove ${symbol} (x)`,
    });
    this.root.append(
      cell('symbol', this.opener),
      cell('spark', this.canvas),
      cell('last', this.last),
      cell('change', this.changeBox),
      cell('vwap', this.vwap),
      cell('trades', this.trades),
      cell('volume', this.volume),
      cell('status', this.badge, this.coverage),
      cell('remove', remove),
    );
    this.root.addEventListener('click', (event) => {
      if (!(event.target instanceof HTMLElement) || event.target.closest('button') === null) actions.open(symbol);
    });
    this.movesShown = tracked.moves;
  }

  /** Shows the numbers as they are now. */
  update(): void {
    this.updatePrice();
    this.updateChange();
    this.updateWindow();
    this.updateStatus();
  }

  /** Takes the tint of a tick away when its time is over; says whether it is still there. */
  fade(): boolean {
    if (performance.now() - this.tintedMs < TINT_MS) return true;
    setClass(this.last, 'tick');
    return false;
  }

  drawSpark(nowMs: number, size: Size): void {
    drawSparkline(this.canvas, this.tracked, { gaps: this.market.gapsOf(this.tracked.symbol), nowMs, size });
  }

  measureSpark(): Size {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  private updatePrice(): void {
    const { price, row, decimals, moves, direction } = this.tracked;
    setText(this.last, exact(price?.text ?? null, decimals));
    const old = price !== null && row?.last_price == null;
    setTitle(this.last, old ? `No trade in the window; this was the price at ${clock(price.atMs)}` : '');
    if (moves !== this.movesShown) {
      this.movesShown = moves;
      this.tintedMs = performance.now();
      setClass(this.last, `tick ${direction > 0 ? 'up' : 'down'}`);
    }
    this.root.classList.toggle('old', old);
  }

  private updateChange(): void {
    const { change, reference, decimals } = this.tracked;
    const text = change === null ? ABSENT : `${signed(change.percent, 2)} %`;
    const direction = change === null || /^0\.0+ %$/.test(text) ? '' : change.absolute > 0 ? 'rise' : 'fall';
    setText(this.change, text);
    setText(this.changeAbsolute, change === null ? '' : signed(change.absolute, decimals));
    setClass(this.changeBox, direction);
    setTitle(
      this.changeBox,
      reference === null
        ? ''
        : `Against ${exact(reference.text, decimals)} at ${clock(reference.atMs)}, the oldest point of the 15-minute line`,
    );
  }

  private updateWindow(): void {
    const { row, decimals } = this.tracked;
    setText(this.vwap, mean(row?.avg_price_volume ?? null, decimals + 1));
    setText(this.trades, row === null ? ABSENT : compact(row.transactions));
    setText(this.volume, row === null ? ABSENT : compact(Number(row.volume)));
    setTitle(this.volume, row === null ? '' : exact(row.volume));
  }

  private updateStatus(): void {
    const status = this.market.statusOf(this.tracked.symbol);
    const share = this.tracked.row?.coverage ?? null;
    setText(this.badge, status ?? 'no data');
    setClass(this.badge, `badge ${status ?? 'none'}`);
    setText(this.coverage, status === null || status === 'complete' ? '' : percent(share));
    setTitle(
      this.badge,
      status === null ? 'No trade of this symbol was seen yet' : this.statusTitle(STATUS_MEANING[status], share),
    );
  }

  private statusTitle(meaning: string, share: number | null): string {
    const row = this.tracked.row;
    const at = row === null ? '' : `, at ${clock(msOf(row.timestamp_ns))}`;
    return `${meaning}; ${percent(share)} of the window was observed${at}`;
  }
}

/** The explicit role keeps the table a table where the phone layout turns rows into cards. */
function cell(name: ColumnName, ...content: Node[]): HTMLTableCellElement {
  return el('td', { class: `c-${name}`, attrs: { role: 'cell' } }, ...content);
}
