// The token form: shown when the server answers 401, gone once it has set its cookie.

import { ApiError, postSession } from '../live/api';
import { Dialog } from './dialog';
import { el } from './dom';

export class Login {
  readonly dialog = new Dialog('This stock-up asks for its token', 'login');
  private readonly input = el('input', {
    class: 'field',
    attrs: {
      type: 'password',
      name: 'token',
      autocomplete: 'current-password',
      required: '',
      'aria-describedby': 'login-error',
    },
  });
  private readonly error = el('p', { class: 'error', attrs: { id: 'login-error', role: 'alert' } });
  private readonly submit = el('button', { class: 'primary', text: 'Open', attrs: { type: 'submit' } });

  constructor(private readonly done: () => void) {
    // Password keepers want a name beside a password; there is none to type.
    const name = el('input', {
      attrs: { type: 'text', name: 'username', autocomplete: 'username', value: 'stock-up', hidden: '' },
    });
    const form = el(
      'form',
      { class: 'stack' },
      name,
      el('label', { class: 'stack' }, el('span', { text: 'Token' }), this.input),
      this.error,
      this.submit,
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
    this.dialog.body.append(
      el('p', {
        class: 'dim',
        text: 'It is the one the server was started with. The browser keeps it in a cookie that scripts cannot read.',
      }),
      form,
    );
    this.dialog.root.addEventListener('cancel', (event) => event.preventDefault());
  }

  open(): void {
    this.dialog.open();
    this.input.focus();
  }

  private async send(): Promise<void> {
    this.error.textContent = '';
    this.submit.disabled = true;
    try {
      await postSession(this.input.value);
      this.input.value = '';
      this.dialog.close();
      this.done();
    } catch (error) {
      this.error.textContent = error instanceof ApiError ? error.detail : String(error);
      this.input.select();
    } finally {
      this.submit.disabled = false;
    }
  }
}
