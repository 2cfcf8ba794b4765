// Fails a test on any console error, page error, dialog or violation of the content policy.

import type { Page } from '@playwright/test';

/** The browser reports every refused request as an error; tests that provoke one check its message themselves. */
const REFUSED_REQUEST = /Failed to load resource: the server responded with a status of 4\d\d/;

export class Guard {
  private readonly errors: string[] = [];
  private readonly allowed = [REFUSED_REQUEST];

  constructor(private readonly page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.errors.push(message.text());
    });
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('dialog', (dialog) => {
      this.errors.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    void page.addInitScript(() => {
      const violations: string[] = ((globalThis as { violations?: string[] }).violations = []);
      document.addEventListener('securitypolicyviolation', (event) =>
        violations.push(`${event.violatedDirective} ${event.blockedURI}`),
      );
    });
  }

  /** Errors the test provokes on purpose. */
  allow(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  /** What went wrong up to now; asked before the page is closed. */
  async complaints(): Promise<string[]> {
    const violations = await this.page
      .evaluate(() => (globalThis as { violations?: string[] }).violations ?? [])
      .catch(() => []);
    return [...this.errors.filter((text) => !this.allowed.some((pattern) => pattern.test(text))), ...violations];
  }
}
