// Dark or light: the system's wish until the reader chooses, then the choice, remembered.
// The resolved theme is an attribute of the root element; tokens.css does the rest.

import { recall, remember } from './memory';

export type Theme = 'dark' | 'light';

const system = matchMedia('(prefers-color-scheme: light)');

export class ThemeSwitch {
  constructor(private readonly changed: () => void) {
    system.addEventListener('change', () => this.apply());
    this.apply();
  }

  get current(): Theme {
    const chosen = recall('theme');
    if (chosen === 'dark' || chosen === 'light') return chosen;
    return system.matches ? 'light' : 'dark';
  }

  toggle(): void {
    const next: Theme = this.current === 'dark' ? 'light' : 'dark';
    const followsSystem = next === (system.matches ? 'light' : 'dark');
    remember('theme', followsSystem ? null : next);
    this.apply();
  }

  private apply(): void {
    document.documentElement.dataset['theme'] = this.current;
    this.changed();
  }
}
