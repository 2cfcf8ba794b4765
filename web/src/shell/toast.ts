// Short messages at the foot of the page, with at most one thing to do about them.

import { button, el } from './dom';

const SHOWN_MS = 8_000;

export interface ToastAction {
  label: string;
  run: () => void;
}

export class Toasts {
  readonly root = el('div', { class: 'toasts', attrs: { role: 'status', 'aria-live': 'polite' } });

  show(text: string, kind: 'info' | 'error' = 'info', action: ToastAction | null = null): void {
    const toast = el('div', { class: `toast ${kind}` }, el('span', { text }));
    const close = (): void => toast.remove();
    if (action !== null) {
      toast.append(
        button(
          action.label,
          () => {
            close();
            action.run();
          },
          { class: 'toast-action' },
        ),
      );
    }
    toast.append(button('Dismiss', close, { text: '×', class: 'toast-close' }));
    this.root.replaceChildren(toast);
    setTimeout(close, SHOWN_MS);
  }
}
