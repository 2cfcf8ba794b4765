// The watch list: which rows there are, in which order, and where the keyboard is.

import type { Changes, Frames } from '../live/frames';
import type { Market } from '../live/market';
import type { TrackedSymbol } from '../live/tracked-symbol';
import type { Size } from '../shell/canvas';
import { button, el, setText } from '../shell/dom';
import { recall, remember } from '../shell/memory';
import { COLUMNS, nextSorting, sorted, type ColumnName, type Sorting } from './columns';
import { RowView, TINT_MS, type RowActions } from './row';

/** A list that reorders on every tick cannot be read. */
const RESORT_MS = 1_000;
/** Rows drawn in one animation frame; the others wait for the next. */
const ROWS_PER_FRAME = 100;
/** Sparklines drawn in one frame: at least these, and at least this share of those that wait. */
const SPARKS_PER_FRAME = 3;
const SPARKS_SHARE = 1 / 16;

export class WatchList {
  readonly root: HTMLElement;
  private readonly body = el('tbody', { attrs: { role: 'rowgroup' } });
  private readonly heads = new Map<ColumnName, HTMLTableCellElement>();
  private readonly rows = new Map<string, RowView>();
  private readonly tinted = new Set<RowView>();
  private readonly rowsDue = new Set<string>();
  private readonly sparksDue = new Set<string>();
  private readonly noMatch = el('p', { class: 'no-match', attrs: { hidden: '' } });
  /** All lines have one size; it is measured once after each change of the list's. */
  private sparkSize: Size | null = null;
  private shown: string[] = [];
  private filter = '';
  private openSymbol: string | null = null;
  private sortedMs = -Infinity;
  private sorting: Sorting | null = parseSorting(recall('sorting'));

  constructor(
    private readonly market: Market,
    private readonly actions: RowActions,
    private readonly frames: Frames,
  ) {
    const head = el('tr', { attrs: { role: 'row' } }, ...COLUMNS.map(({ name }) => this.head(name)));
    const table = el(
      'table',
      { class: 'watch', attrs: { role: 'table', 'aria-label': 'Watch list' } },
      el('thead', { attrs: { role: 'rowgroup' } }, head),
      this.body,
    );
    this.root = el('div', { class: 'watch-scroll' }, table, this.noMatch);
    this.showSorting();
    new ResizeObserver(() => {
      this.sparkSize = null;
      this.drawAllSparks();
    }).observe(this.root);
  }

  render(changes: Changes): void {
    if (changes.topics.has('list')) this.rebuild();
    if (changes.topics.has('theme') || changes.topics.has('gaps')) this.drawAllSparks();
    for (const symbol of changes.rows) this.rowsDue.add(symbol);
    this.updateRows();
    for (const symbol of changes.points) this.sparksDue.add(symbol);
    if (this.sorting !== null && performance.now() - this.sortedMs > RESORT_MS) this.arrange();
    this.drawSparks();
  }

  setFilter(text: string): void {
    this.filter = text.trim().toLowerCase();
    this.arrange();
  }

  setOpen(symbol: string | null): void {
    this.openSymbol = symbol;
    for (const [name, row] of this.rows) this.markOpen(name, row);
  }

  /** The symbol the keyboard is on: the focused row, else the open one. */
  get current(): string | null {
    const focused = document.activeElement;
    const symbol =
      focused instanceof HTMLElement
        ? focused.closest('tr')?.querySelector<HTMLElement>('.symbol')?.dataset['symbol']
        : undefined;
    return symbol ?? this.openSymbol;
  }

  /** Moves the keyboard by `by` rows, from the current one or from outside to the first. */
  move(by: number): string | null {
    const at = this.current === null ? -1 : this.shown.indexOf(this.current);
    const next = this.shown[Math.max(0, Math.min(this.shown.length - 1, at < 0 ? 0 : at + by))];
    if (next === undefined) return null;
    this.focus(next);
    return next;
  }

  focus(symbol: string): void {
    const opener = this.rows.get(symbol)?.opener;
    opener?.focus();
    opener?.scrollIntoView({ block: 'nearest' });
  }

  get first(): string | null {
    return this.shown[0] ?? null;
  }

  private updateRows(): void {
    let budget = ROWS_PER_FRAME;
    for (const symbol of this.rowsDue) {
      if (budget === 0) break;
      budget -= 1;
      this.rowsDue.delete(symbol);
      this.update(symbol);
    }
    this.fadeTints();
    if (this.rowsDue.size > 0) this.frames.afterwards(() => this.updateRows());
  }

  private update(symbol: string): void {
    const row = this.rows.get(symbol);
    if (row === undefined) return;
    row.update();
    this.tinted.add(row);
  }

  /** Rows that ticked lose their tint in a later frame; one is asked for, as nothing else may come. */
  private fadeTints(): void {
    for (const row of this.tinted) if (!row.fade()) this.tinted.delete(row);
    if (this.tinted.size > 0) setTimeout(() => this.frames.topic('clock'), TINT_MS);
  }

  private rebuild(): void {
    for (const symbol of this.rows.keys()) if (!this.market.symbols.has(symbol)) this.rows.delete(symbol);
    for (const tracked of this.market.symbols.values()) {
      if (this.rows.get(tracked.symbol)?.tracked !== tracked) {
        this.rows.set(tracked.symbol, new RowView(tracked, this.market, this.actions));
      }
    }
    for (const row of this.rows.values()) row.update();
    this.arrange();
    this.setOpen(this.openSymbol);
    this.drawAllSparks();
  }

  private arrange(): void {
    this.sortedMs = performance.now();
    const matching = this.followed().filter((tracked) => tracked.symbol.toLowerCase().includes(this.filter));
    const order = sorted(matching, this.sorting, this.market).map((tracked) => tracked.symbol);
    this.noMatch.hidden = order.length > 0 || this.rows.size === 0;
    setText(this.noMatch, `No symbol matches “${this.filter}”. Esc clears the filter.`);
    if (
      order.length === this.body.childElementCount &&
      order.every((symbol, i) => this.body.children[i] === this.rows.get(symbol)?.root)
    )
      return;
    const focused = document.activeElement;
    this.shown = order;
    this.body.replaceChildren(...order.flatMap((symbol) => this.rows.get(symbol)?.root ?? []));
    if (focused instanceof HTMLElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    this.drawAllSparks();
  }

  /** The symbols in the order in which the settings list them; others, which another process follows, by name. */
  private followed(): TrackedSymbol[] {
    const place = new Map((this.market.settings?.settings.subscriptions ?? []).map((symbol, i) => [symbol, i]));
    const at = (tracked: TrackedSymbol): number => place.get(tracked.symbol) ?? Infinity;
    return [...this.market.symbols.values()].sort((a, b) =>
      at(a) === at(b) ? (a.symbol < b.symbol ? -1 : 1) : at(a) - at(b),
    );
  }

  private drawAllSparks(): void {
    for (const symbol of this.rows.keys()) this.sparksDue.add(symbol);
    this.drawSparks();
  }

  private drawSparks(): void {
    const nowMs = this.market.clock.nowMs();
    if (nowMs === null) return;
    const size = this.sizeOfSparks();
    if (size === null) return;
    let budget = Math.max(SPARKS_PER_FRAME, Math.ceil(this.sparksDue.size * SPARKS_SHARE));
    for (const symbol of this.sparksDue) {
      if (budget === 0) break;
      budget -= 1;
      this.sparksDue.delete(symbol);
      this.rows.get(symbol)?.drawSpark(nowMs, size);
    }
    if (this.sparksDue.size > 0) this.frames.topic('clock');
  }

  private sizeOfSparks(): Size | null {
    const first = this.rows.get(this.shown[0] ?? '');
    if (this.sparkSize !== null || first === undefined) return this.sparkSize;
    const size = first.measureSpark();
    if (size.width > 0) this.sparkSize = size;
    return this.sparkSize;
  }

  private head(name: ColumnName): HTMLTableCellElement {
    const column = COLUMNS.find((each) => each.name === name);
    const th = el('th', { class: `c-${name}`, attrs: { role: 'columnheader', scope: 'col' } });
    if (column?.value === undefined) th.append(el('span', { text: column?.label ?? '', title: column?.title ?? '' }));
    else th.append(button(column.label, () => this.sortBy(name), { class: 'sort', title: column.title }));
    this.heads.set(name, th);
    return th;
  }

  private sortBy(name: ColumnName): void {
    this.sorting = nextSorting(this.sorting, name);
    remember(
      'sorting',
      this.sorting === null ? null : `${this.sorting.column} ${this.sorting.descending ? 'down' : 'up'}`,
    );
    this.showSorting();
    this.arrange();
  }

  private showSorting(): void {
    for (const [name, th] of this.heads) {
      const mine = this.sorting?.column === name ? this.sorting : null;
      if (mine === null) th.removeAttribute('aria-sort');
      else th.setAttribute('aria-sort', mine.descending ? 'descending' : 'ascending');
    }
  }

  private markOpen(symbol: string, row: RowView): void {
    const open = symbol === this.openSymbol;
    row.root.classList.toggle('open', open);
    if (open) row.opener.setAttribute('aria-current', 'true');
    else row.opener.removeAttribute('aria-current');
  }
}

function parseSorting(text: string | null): Sorting | null {
  const [column, direction] = (text ?? '').split(' ');
  const known = COLUMNS.find((each) => each.name === column && each.value !== undefined);
  return known === undefined ? null : { column: known.name, descending: direction === 'down' };
}
