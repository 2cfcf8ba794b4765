// How long to wait before the next connection attempt: doubling with jitter, capped,
// and back to the start only after a connection has proved stable.

export interface BackoffOptions {
  firstMs: number;
  capMs: number;
  /** A connection that lasted this long counts as good. */
  stableMs: number;
  random: () => number;
}

export const BACKOFF_DEFAULTS: BackoffOptions = {
  firstMs: 250,
  capMs: 10_000,
  stableMs: 10_000,
  random: Math.random,
};

export class Backoff {
  private attempts = 0;
  private readonly options: BackoffOptions;

  constructor(options: Partial<BackoffOptions> = {}) {
    this.options = { ...BACKOFF_DEFAULTS, ...options };
  }

  /** The wait before the next attempt; between half and all of the doubled step. */
  nextMs(): number {
    const { firstMs, capMs, random } = this.options;
    const step = Math.min(capMs, firstMs * 2 ** Math.min(this.attempts, 30));
    this.attempts += 1;
    return Math.round(step / 2 + (random() * step) / 2);
  }

  /** Tell how long the connection that just ended had been alive. */
  connectionLasted(ms: number): void {
    if (ms >= this.options.stableMs) this.attempts = 0;
  }

  reset(): void {
    this.attempts = 0;
  }
}
