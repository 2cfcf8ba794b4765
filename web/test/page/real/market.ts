// The real thing: a venue that plays a tape, and the server that captures it, both from STOCK_UP_BIN.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Program } from './program';
import { writeTape, type TapeOptions } from './tape';

const FREE_PORT = '127.0.0.1:0';

export class Venue {
  private constructor(
    private readonly program: Program,
    readonly url: string,
    private readonly controlUrl: string,
  ) {}

  static async start(tape: string, speed: number): Promise<Venue> {
    const args = ['--tape', tape, '--speed', String(speed), '--listen', FREE_PORT, '--control', FREE_PORT];
    const program = new Program('venue serve', ['venue', 'serve', ...args]);
    const url = await program.said(/^venue at (\S+)$/m);
    return new Venue(program, url, await program.said(/^control at (\S+)$/m));
  }

  /** Takes no connection from now on, and breaks those there are. */
  cut(): Promise<void> {
    return this.control('cut');
  }

  resume(): Promise<void> {
    return this.control('resume');
  }

  end(): Promise<void> {
    return this.program.end();
  }

  private async control(action: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ action });
    const answer = await fetch(`${this.controlUrl}/control`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
  }
}

/** `stock-up run` with its data folder. */
export class Server {
  url = '';
  private program: Program | null = null;

  constructor(
    private readonly folder: string,
    private readonly environment: Record<string, string>,
  ) {}

  get settingsPath(): string {
    return join(this.folder, 'settings.toml');
  }

  get settings(): string {
    return readFileSync(this.settingsPath, 'utf8');
  }

  set settings(text: string) {
    writeFileSync(this.settingsPath, text);
  }

  get output(): string {
    return this.program?.output ?? '';
  }

  /** Starts it, after an end at the address it had. */
  async start(...args: string[]): Promise<void> {
    const address = this.url === '' ? FREE_PORT : new URL(this.url).host;
    this.program = new Program('run', ['run', '--listen', address, '--data-dir', this.folder, ...args], {
      ...this.environment,
    });
    this.url = `${await this.program.said(/^page at (\S+?)\/? \(/m)}/`;
  }

  async end(signal?: NodeJS.Signals): Promise<void> {
    await this.program?.end(signal);
  }
}

export interface MarketOptions {
  tape: TapeOptions;
  speed: number;
  symbols: readonly string[];
}

export class RealMarket {
  private constructor(
    readonly venue: Venue,
    readonly server: Server,
    private readonly folder: string,
  ) {}

  get url(): string {
    return this.server.url;
  }

  static async start({ tape, speed, symbols }: MarketOptions): Promise<RealMarket> {
    const folder = temporaryFolder();
    const path = join(folder, 'tape.csv');
    writeTape(path, tape);
    const venue = await Venue.start(path, speed);
    const server = new Server(join(folder, 'data'), { QUOTE_SERVER: venue.url, QUOTE_API_TOKEN: 'x' });
    const market = new RealMarket(venue, server, folder);
    try {
      await server.start('--symbols', symbols.join(','));
    } catch (error) {
      await market.end();
      throw error;
    }
    return market;
  }

  async end(): Promise<void> {
    await Promise.all([this.server.end(), this.venue.end()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The market that `stock-up run` makes up when it is told of no venue. */
export class DemoMarket {
  readonly folder = temporaryFolder();
  readonly server = new Server(join(this.folder, 'data'), {});

  get url(): string {
    return this.server.url;
  }

  async end(): Promise<void> {
    await this.server.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'stock-up-page-'));
