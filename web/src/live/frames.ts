// When to draw: changes gather, and at most ten times a second one animation frame shows them all.

export const FRAME_MS = 100;

export type Topic = 'list' | 'feed' | 'connection' | 'settings' | 'pipeline' | 'gaps' | 'choice' | 'theme' | 'clock';

/** What changed since the last frame. */
export interface Changes {
  /** Symbols whose live row changed. */
  rows: Set<string>;
  /** Symbols whose series got points. */
  points: Set<string>;
  topics: Set<Topic>;
}

const nothing = (): Changes => ({ rows: new Set(), points: new Set(), topics: new Set() });

export class Frames {
  /** Frames drawn; tests read it. */
  drawn = 0;
  private changes = nothing();
  private pending = false;
  /** Whether the rest of the last frame is still being drawn; the next waits for it, so nothing piles up. */
  private busy = false;
  private lastMs = -Infinity;
  private readonly views: ((changes: Changes) => void)[] = [];
  private readonly rest: (() => void)[] = [];

  onFrame(view: (changes: Changes) => void): void {
    this.views.push(view);
  }

  /** Puts a piece of this frame's work off to an animation frame of its own: several short tasks, no long one. */
  afterwards(work: () => void): void {
    this.rest.push(work);
  }

  row(symbol: string): void {
    this.changes.rows.add(symbol);
    this.request();
  }

  points(symbol: string): void {
    this.changes.points.add(symbol);
    this.request();
  }

  topic(topic: Topic): void {
    this.changes.topics.add(topic);
    this.request();
  }

  private request(): void {
    if (this.pending) return;
    this.pending = true;
    if (!this.busy) this.schedule();
  }

  private schedule(): void {
    const waitMs = Math.max(0, this.lastMs + FRAME_MS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.draw()), waitMs);
  }

  private draw(): void {
    const changes = this.changes;
    this.changes = nothing();
    this.pending = false;
    this.busy = true;
    this.lastMs = performance.now();
    this.drawn += 1;
    for (const view of this.views) view(changes);
    this.drawRest();
  }

  private drawRest(): void {
    const work = this.rest.shift();
    if (work === undefined) {
      this.busy = false;
      if (this.pending) this.schedule();
      return;
    }
    requestAnimationFrame(() => {
      work();
      this.drawRest();
    });
  }
}
