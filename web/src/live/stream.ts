// The one event stream to the server, kept alive: back-off with jitter, and a watchdog,
// because a half-open connection raises no error. The server speaks at least once a second (`pipeline`).

import type { Backoff } from '../pure/backoff';
import { LIVE_EVENT_NAMES, type LiveEventName } from '../contract';

export const SILENCE_MS = 5_000;
const WATCH_EVERY_MS = 500;

export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'waiting'; reason: string; retryAtMs: number }
  | { state: 'login' };

/** The part of EventSource that is used; tests hand in their own. */
export interface Source {
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface StreamOptions {
  open: () => Source;
  /** Runs before each attempt; says whether a token is missing, throws when the server is not there. */
  prepare: () => Promise<'ready' | 'login'>;
  onEvent: (name: LiveEventName, data: unknown) => void;
  onState: (connection: Connection) => void;
  backoff: Backoff;
  now: () => number;
}

export class LiveStream {
  private source: Source | null = null;
  private attempt = 0;
  private openedMs: number | null = null;
  private heardMs = 0;
  private retryTimer: ReturnType<typeof setTimeout> | null = null;
  private watchTimer: ReturnType<typeof setInterval> | null = null;

  constructor(private readonly options: StreamOptions) {}

  /** Connects now, dropping what there was: at the start, after a login, on a change of what is followed. */
  connect(): void {
    this.drop();
    this.watchTimer ??= setInterval(() => this.watch(), WATCH_EVERY_MS);
    void this.tryOnce((this.attempt += 1));
  }

  stop(): void {
    this.drop();
    this.attempt += 1;
    if (this.watchTimer !== null) clearInterval(this.watchTimer);
    this.watchTimer = null;
  }

  private async tryOnce(attempt: number): Promise<void> {
    this.options.onState({ state: 'connecting' });
    try {
      const readiness = await this.options.prepare();
      if (attempt !== this.attempt) return;
      if (readiness === 'login') this.options.onState({ state: 'login' });
      else this.listen(this.options.open(), attempt);
    } catch (error) {
      if (attempt === this.attempt) this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private listen(source: Source, attempt: number): void {
    this.source = source;
    this.heardMs = this.options.now();
    source.onerror = () => this.ifCurrent(attempt, () => this.fail('the connection to the server broke'));
    for (const name of LIVE_EVENT_NAMES) {
      source.addEventListener(name, (event) => this.ifCurrent(attempt, () => this.take(name, event.data)));
    }
  }

  private take(name: LiveEventName, text: string): void {
    this.heardMs = this.options.now();
    if (this.openedMs === null) {
      this.openedMs = this.heardMs;
      this.options.onState({ state: 'live' });
    }
    this.options.onEvent(name, JSON.parse(text));
  }

  private watch(): void {
    if (this.source === null) return;
    if (this.options.now() - this.heardMs > SILENCE_MS) this.fail('the server has been silent');
  }

  private fail(reason: string): void {
    const { backoff, now, onState } = this.options;
    if (this.openedMs !== null) backoff.connectionLasted(now() - this.openedMs);
    this.drop();
    const waitMs = backoff.nextMs();
    onState({ state: 'waiting', reason, retryAtMs: now() + waitMs });
    this.retryTimer = setTimeout(() => this.connect(), waitMs);
  }

  private drop(): void {
    if (this.retryTimer !== null) clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.openedMs = null;
    this.source?.close();
    this.source = null;
  }

  private ifCurrent(attempt: number, act: () => void): void {
    if (attempt === this.attempt && this.source !== null) act();
  }
}
