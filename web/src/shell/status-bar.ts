// The foot of the page: the pipeline's own rates. Counts that should be zero stand out when they are not.

import type { Pipeline } from '../contract';
import type { Changes } from '../live/frames';
import type { Market } from '../live/market';
import { bytes, compact, exact } from '../pure/format';
import { lateByCause } from '../pure/late';
import { el, setClass, setText, setTitle } from './dom';

/** Everything that is one number. */
type Count = Exclude<keyof Pipeline, 'late_dropped_by_cause'>;

interface Item {
  key: Count;
  label: string;
  title: string;
  /** Not zero is worth a look. */
  alarming?: boolean;
  show?: (value: number) => string;
  /** What the tooltip of the number says, if it is more than the exact number. */
  detail?: (pipeline: Pipeline) => string;
}

const ITEMS: readonly Item[] = [
  { key: 'trades_per_second', label: 'trades/s', title: 'Trades received in the last second' },
  { key: 'points_per_second', label: 'points/s', title: 'Grid points emitted in the last second, revisions included' },
  {
    key: 'received',
    label: 'received',
    title: 'Trades received since the start; received = applied + duplicate + ineligible + late + refused + in flight',
  },
  { key: 'applied', label: 'applied', title: 'Trades that count in the windows' },
  { key: 'duplicate', label: 'duplicate', title: 'Trades that came twice and were counted once' },
  { key: 'ineligible', label: 'ineligible', title: 'Trades whose conditions keep them out of the numbers' },
  {
    key: 'late_dropped',
    label: 'late',
    title:
      'Trades that came too late to be put where they belong: delayed on their way to us, ' +
      'or received in time but out of order, behind the time of other trades and the clock',
    alarming: true,
    detail: lateByCause,
  },
  { key: 'refused', label: 'refused', title: 'Messages or values that could not be read exactly', alarming: true },
  { key: 'in_flight', label: 'in flight', title: 'Trades received but not yet applied' },
  { key: 'lag_records', label: 'lag', title: 'Records in the log that the analyzer has still to read' },
  { key: 'gaps_open', label: 'open gaps', title: 'Intervals that are being missed right now', alarming: true },
  { key: 'log_bytes', label: 'log', title: 'Size of the log on disk', show: bytes },
];

export class StatusBar {
  readonly root = el('footer', { class: 'statusbar', attrs: { 'aria-label': 'Pipeline' } });
  private readonly values = new Map<Count, HTMLElement>();

  constructor(private readonly market: Market) {
    const list = el('dl', { class: 'rates' });
    for (const { key, label, title } of ITEMS) {
      const value = el('dd', { text: '–' });
      list.append(el('div', { class: `rate r-${key.replaceAll('_', '-')}`, title }, value, el('dt', { text: label })));
      this.values.set(key, value);
    }
    this.root.append(list);
  }

  render(changes: Changes): void {
    const { pipeline, connection } = this.market;
    if (changes.topics.has('connection')) this.root.classList.toggle('unheard', connection.state !== 'live');
    if (!changes.topics.has('pipeline') || pipeline === null) return;
    for (const { key, show, alarming, detail } of ITEMS) {
      const node = this.values.get(key);
      if (node === undefined) continue;
      const value = pipeline[key] ?? 0;
      setText(node, show === undefined ? compact(Math.round(value * 10) / 10) : show(value));
      setTitle(node, detail === undefined ? exact(String(value)) : detail(pipeline));
      setClass(node, alarming === true && value > 0 ? 'alarm' : '');
    }
  }
}
