// The help: what the keys do and what the marks mean.

import type { Status } from '../contract';
import { Dialog } from './dialog';
import { el } from './dom';
import { STATUS_MEANING } from './status-words';

const KEYS: readonly (readonly [string[], string])[] = [
  [['j', '↓'], 'next symbol'],
  [['k', '↑'], 'previous symbol'],
  [['Enter'], 'open its chart'],
  [['/'], 'filter the list'],
  [['a'], 'add a symbol'],
  [['x', 'Delete'], 'remove the symbol (can be undone)'],
  [['w'], 'next window length'],
  [['1–5'], 'range of the chart: 15 minutes to all'],
  [['←', '→'], 'move the chart through time'],
  [['+', '−'], 'zoom the chart'],
  [['l'], 'follow live'],
  [['s'], 'settings'],
  [['t'], 'dark or light'],
  [['?'], 'this help'],
  [['Esc'], 'close what is open'],
];

export class Help {
  readonly dialog = new Dialog('Keys and marks', 'help');

  constructor() {
    const keys = el('dl', { class: 'keys' });
    for (const [names, meaning] of KEYS) {
      keys.append(el('dt', {}, ...names.map((name) => el('kbd', { text: name }))), el('dd', { text: meaning }));
    }
    const marks = el('dl', { class: 'marks' });
    for (const [status, meaning] of Object.entries(STATUS_MEANING) as [Status, string][]) {
      marks.append(el('dt', {}, el('span', { class: `badge ${status}`, text: status })), el('dd', { text: meaning }));
    }
    this.dialog.body.append(keys, el('h3', { text: 'Status of a number' }), marks);
  }
}
