// The frame of every dialog: native <dialog>, so that focus, Esc and the backdrop behave.

import { button, el } from './dom';

export class Dialog {
  readonly root: HTMLDialogElement;
  readonly body = el('div', { class: 'dialog-body' });

  constructor(title: string, name: string) {
    const close = button('Close', () => this.close(), { text: '×', class: 'icon-button' });
    const head = el('div', { class: 'dialog-head' }, el('h2', { text: title, attrs: { id: `${name}-title` } }), close);
    this.root = el(
      'dialog',
      { class: `dialog ${name}`, attrs: { 'aria-labelledby': `${name}-title` } },
      head,
      this.body,
    );
    this.root.addEventListener('click', (event) => {
      if (event.target === this.root) this.close();
    });
  }

  get isOpen(): boolean {
    return this.root.open;
  }

  open(): void {
    if (!this.root.open) this.root.showModal();
  }

  close(): void {
    if (this.root.open) this.root.close();
  }
}
