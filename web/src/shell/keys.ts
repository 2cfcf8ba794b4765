// The keyboard: one table from key to action. Typing in a field is never a shortcut.

import { isTyping } from './dom';

export type KeyTable = Record<string, () => void>;

export function listenToKeys(table: KeyTable, isModal: () => boolean): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const escape = event.key === 'Escape';
    if (isModal() || (isTyping(event.target) && !escape)) return;
    const action = table[event.key];
    if (action === undefined || (event.key === 'Enter' && event.target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    action();
  });
}
