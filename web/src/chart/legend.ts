// The exact values under the cursor, or of the newest point when there is no cursor;
// and the tooltip that names a gap.

import type { Row } from '../contract';
import { humanDuration } from '../pure/duration';
import { ABSENT, clockNear, exact, general, mean, percent } from '../pure/format';
import type { Point } from '../pure/series';
import type { GapSpan } from '../pure/spans';
import { el, setClass, setText, setTitle } from '../shell/dom';
import { CAUSE_MEANING, STATUS_MEANING } from '../shell/status-words';

const FIELDS = [
  'Time',
  'Last',
  'VWAP',
  'Low',
  'High',
  'Mean',
  'Std dev',
  'Trades',
  'Volume',
  'Status',
  'Coverage',
  'Revision',
] as const;
type Field = (typeof FIELDS)[number];

const TITLES: Partial<Record<Field, string>> = {
  Time: 'End of the window',
  Last: 'Price of the latest trade in the window',
  VWAP: 'Σ price·size ÷ Σ size over the window',
  Low: 'Least price in the window',
  High: 'Greatest price in the window',
  Mean: 'Σ price ÷ transactions',
  'Std dev': 'Square root of the variance of prices',
  Trades: 'Transactions in the window',
  Volume: 'Sum of sizes in the window',
  Coverage: 'Share of the window that was provably observed',
  Revision: 'How often late trades changed this point',
};

export class Legend {
  readonly root = el('dl', { class: 'legend' });
  private readonly values = new Map<Field, HTMLElement>();

  constructor() {
    for (const field of FIELDS) {
      const value = el('dd', { text: ABSENT });
      const name = el('dt', { text: field, title: TITLES[field] ?? '' });
      this.root.append(el('div', { class: `l-${field.toLowerCase().replace(' ', '-')}` }, name, value));
      this.values.set(field, value);
    }
  }

  /** Shows a point; null under the cursor means that nothing was observed there. */
  show(point: Point | null, decimals: number, nowMs: number): void {
    const more = decimals + 2;
    this.set('Time', point === null ? ABSENT : clockNear(point.atMs, nowMs));
    this.set('Last', exact(point?.last_price ?? null, decimals));
    this.set('VWAP', mean(point?.avg_price_volume ?? null, more));
    this.set('Low', exact(point?.min_price ?? null, decimals));
    this.set('High', exact(point?.max_price ?? null, decimals));
    this.set('Mean', mean(point?.avg_price_trans ?? null, more));
    this.set('Std dev', general(point?.variance == null ? null : Math.sqrt(point.variance), 4));
    this.set('Trades', point === null ? ABSENT : exact(String(point.transactions)));
    this.set('Volume', exact(point?.volume ?? null));
    this.set('Coverage', percent(point?.coverage ?? null));
    this.set('Revision', point === null ? ABSENT : String(point.revision));
    this.showStatus(point?.status ?? null);
  }

  private showStatus(status: Row['status'] | null): void {
    const node = this.values.get('Status');
    if (node === undefined) return;
    setText(node, status ?? 'not observed');
    setClass(node, `badge ${status ?? 'none'}`);
    setTitle(node, status === null ? '' : STATUS_MEANING[status]);
  }

  private set(field: Field, text: string): void {
    const node = this.values.get(field);
    if (node !== undefined) setText(node, text);
  }
}

/** The tooltip over a gap: what happened, from when to when. */
export class GapTip {
  readonly root = el('div', { class: 'gap-tip', attrs: { role: 'tooltip', hidden: '' } });
  private readonly title = el('strong');
  private readonly text = el('span');

  constructor() {
    this.root.append(this.title, this.text);
  }

  show(gap: GapSpan | null, leftPx: number, widthPx: number, nowMs: number): void {
    this.root.hidden = gap === null;
    if (gap === null) return;
    const toMs = gap.open ? nowMs : gap.toMs;
    const meaning = CAUSE_MEANING[gap.cause];
    setText(this.title, gap.open ? `Open gap: ${gap.cause}` : `Gap: ${gap.cause}`);
    const until = gap.open ? 'now' : clockNear(toMs, nowMs);
    setText(
      this.text,
      `${clockNear(gap.fromMs, nowMs)} → ${until} (${humanDuration(toMs - gap.fromMs)})${meaning === undefined ? '' : `; ${meaning}`}`,
    );
    const half = this.root.offsetWidth / 2;
    this.root.style.left = `${Math.round(Math.max(half + 4, Math.min(widthPx - half - 4, leftPx)))}px`;
  }
}
