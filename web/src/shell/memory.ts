// What the page remembers in this browser: theme, window, sorting. Storage may be forbidden; then nothing is kept.

const PREFIX = 'stock-up.';

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // The choice then lasts until the page is closed.
  }
}
