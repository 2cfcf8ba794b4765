// Above the list: the filter, and the field that adds a symbol, with the server's reason beside it when it refuses.

import { ApiError } from '../live/api';
import { follow, typedSymbols } from '../live/follow';
import type { Market } from '../live/market';
import { el } from './dom';

export interface ToolbarActions {
  filter: (text: string) => void;
  added: (symbol: string) => void;
}

export class Toolbar {
  readonly root: HTMLElement;
  private readonly filterInput = el('input', {
    class: 'field filter',
    title: 'Filter the list (/)',
    attrs: {
      type: 'search',
      placeholder: 'Filter',
      'aria-label': 'Filter symbols',
      autocomplete: 'off',
      spellcheck: 'false',
      enterkeyhint: 'search',
    },
  });
  private readonly addInput = el('input', {
    class: 'field add',
    title: 'Add a symbol (a); several apart by commas',
    attrs: {
      type: 'text',
      placeholder: 'Add symbol',
      'aria-label': 'Add a symbol',
      'aria-describedby': 'add-error',
      autocomplete: 'off',
      autocapitalize: 'characters',
      spellcheck: 'false',
      enterkeyhint: 'done',
    },
  });
  private readonly submit = el('button', { class: 'primary', text: 'Add', attrs: { type: 'submit' } });
  private readonly error = el('p', { class: 'error', attrs: { id: 'add-error', role: 'alert' } });

  constructor(
    private readonly market: Market,
    private readonly actions: ToolbarActions,
  ) {
    const form = el('form', { class: 'add-form' }, this.addInput, this.submit);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.add();
    });
    this.filterInput.addEventListener('input', () => actions.filter(this.filterInput.value));
    this.addInput.addEventListener('input', () => this.say(''));
    this.root = el('div', { class: 'toolbar' }, this.filterInput, form, this.error);
  }

  focusFilter(): void {
    this.filterInput.focus();
    this.filterInput.select();
  }

  focusAdd(): void {
    this.addInput.focus();
    this.addInput.select();
  }

  /** Leaves the field the keyboard is in; says whether it was in one. */
  escape(): boolean {
    const active = document.activeElement;
    if (active !== this.filterInput && active !== this.addInput) return this.clearFilter();
    if (active === this.addInput) {
      this.addInput.value = '';
      this.say('');
    } else {
      this.clearFilter();
    }
    (active as HTMLElement).blur();
    return true;
  }

  private clearFilter(): boolean {
    if (this.filterInput.value === '') return false;
    this.filterInput.value = '';
    this.actions.filter('');
    return true;
  }

  private async add(): Promise<void> {
    const symbols = typedSymbols(this.addInput.value);
    const first = symbols[0];
    if (first === undefined) return this.say('Type a symbol first, for example SPY.');
    const fresh = symbols.filter((symbol) => !this.market.symbols.has(symbol));
    if (fresh.length === 0) return this.say(`${symbols.join(', ')} is in the list already.`);
    this.submit.disabled = true;
    this.say('');
    try {
      await follow(this.market, fresh);
      this.addInput.value = '';
      this.actions.added(first);
    } catch (error) {
      this.say(error instanceof ApiError ? error.detail : String(error));
    } finally {
      this.submit.disabled = false;
    }
  }

  private say(text: string): void {
    this.error.textContent = text;
    this.addInput.setAttribute('aria-invalid', String(text !== ''));
  }
}
