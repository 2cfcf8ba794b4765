// A program of ours as a child process: started, read until it says it is ready, ended.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

const READY_MS = 20_000;
const OUTPUT_MAX = 64 * 1024;

/** Whatever happens to this process, none of its children stays behind. */
const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Program {
  /** What it printed, the newest part. */
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;

  constructor(
    private readonly name: string,
    args: readonly string[],
    environment: Record<string, string> = {},
  ) {
    const binary = process.env['STOCK_UP_BIN'];
    if (binary === undefined) throw new Error('STOCK_UP_BIN does not name the binary to test');
    // Nothing of the caller's own settings may reach it.
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment };
    this.child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.child);
    this.ended = once(this.child, 'close').finally(() => running.delete(this.child));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_MAX);
      });
    }
  }

  /** Waits until it has printed what `pattern` captures. */
  async said(pattern: RegExp): Promise<string> {
    const until = Date.now() + READY_MS;
    while (Date.now() < until) {
      const found = pattern.exec(this.output)?.[1];
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${this.name} did not say ${pattern} (exit code ${this.child.exitCode}):\n${this.output}`);
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.ended;
  }
}
