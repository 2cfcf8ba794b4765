// The settings that may be changed here: window lengths and lateness. The rest is shown for information.

import type { Changes } from '../live/frames';
import { ApiError } from '../live/api';
import { changeSettings } from '../live/follow';
import type { Market } from '../live/market';
import { parseDuration, splitList, windowName } from '../pure/duration';
import { Dialog } from './dialog';
import { el } from './dom';

export class SettingsPanel {
  readonly dialog = new Dialog('Settings', 'settings');
  private readonly windows = field('windows', 'for example 60s, 5m, 1h');
  private readonly lateness = field('lateness', 'for example 1s');
  private readonly error = el('p', { class: 'error', attrs: { role: 'alert' } });
  private readonly facts = el('dl', { class: 'facts' });
  private readonly submit = el('button', { class: 'primary', text: 'Save', attrs: { type: 'submit' } });

  constructor(
    private readonly market: Market,
    private readonly saved: () => void,
  ) {
    const form = el(
      'form',
      { class: 'stack' },
      labelled('Windows', 'Lengths of the sliding windows, apart by commas. A new one starts warming.', this.windows),
      labelled('Allowed lateness', 'How long a grid point waits for late trades before it is emitted.', this.lateness),
      this.error,
      el('div', { class: 'form-foot' }, this.submit),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.save();
    });
    this.dialog.body.append(form, this.facts);
  }

  open(): void {
    this.fill();
    this.error.textContent = '';
    this.dialog.open();
    this.windows.focus();
  }

  render(changes: Changes): void {
    if (changes.topics.has('settings') && this.dialog.isOpen) this.showFacts();
  }

  private fill(): void {
    const settings = this.market.settings?.settings;
    this.windows.value = (settings?.windows ?? this.market.windows).map(windowName).join(', ');
    this.lateness.value = settings?.lateness ?? '';
    this.showFacts();
  }

  private showFacts(): void {
    const { settings, grid, symbols } = this.market;
    const facts: [string, string][] = [
      ['Symbols followed', String(symbols.size)],
      ['Grid', grid],
      ['Log level', settings?.settings.log_level ?? '–'],
      ['Revision', String(settings?.revision ?? '–')],
      ['Kept in', settings?.source ?? '–'],
    ];
    this.facts.replaceChildren(
      ...facts.map(([name, value]) => el('div', {}, el('dt', { text: name }), el('dd', { text: value }))),
    );
  }

  private async save(): Promise<void> {
    const windows = splitList(this.windows.value);
    const lateness = this.lateness.value.trim();
    const wrong = [...windows, lateness].find((text) => parseDuration(text) === null);
    if (windows.length === 0) return this.say('At least one window is needed.');
    if (wrong !== undefined && wrong !== '0s')
      return this.say(`“${wrong}” is no duration; write it like 60s, 5m or 1h.`);
    this.submit.disabled = true;
    try {
      await changeSettings(this.market, (settings) => ({ ...settings, windows, lateness }));
      this.dialog.close();
      this.saved();
    } catch (error) {
      this.say(error instanceof ApiError ? error.detail : String(error));
    } finally {
      this.submit.disabled = false;
    }
  }

  private say(text: string): void {
    this.error.textContent = text;
  }
}

function field(name: string, placeholder: string): HTMLInputElement {
  return el('input', {
    class: 'field',
    attrs: { type: 'text', name, placeholder, autocomplete: 'off', spellcheck: 'false' },
  });
}

function labelled(label: string, hint: string, input: HTMLInputElement): HTMLLabelElement {
  return el(
    'label',
    { class: 'stack' },
    el('span', { class: 'label', text: label }),
    input,
    el('span', { class: 'hint', text: hint }),
  );
}
