// The log's time as the page may know it: what the server last said, carried on by the local clock
// for as long as the server is heard. Windows age by the log's time, so an open gap grows by it too.

export class LogClock {
  private saidMs: number | null = null;
  private heardAtMs = 0;
  private running = false;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /** The server stated the log's time. */
  state(ms: number): void {
    if (this.saidMs !== null && ms < this.saidMs) return;
    this.saidMs = ms;
    this.heardAtMs = this.monotonic();
  }

  /** Forget the past, for a server that may have started a new log. */
  restart(): void {
    this.saidMs = null;
  }

  /** Whether time goes on: not while disconnected, not after the feed has ended. */
  run(running: boolean): void {
    if (running === this.running) return;
    const now = this.nowMs();
    this.running = running;
    if (now !== null) this.saidMs = now;
    this.heardAtMs = this.monotonic();
  }

  nowMs(): number | null {
    if (this.saidMs === null) return null;
    return this.running ? this.saidMs + (this.monotonic() - this.heardAtMs) : this.saidMs;
  }
}
