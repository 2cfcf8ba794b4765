// Types of the mock server for the page tests.
export interface MockOptions {
  symbols?: string[];
  windows?: string[];
  token?: string | null;
  seed?: number;
  historyS?: number;
  pastGaps?: [agoS: number, lengthS: number][];
  simulated?: boolean;
}
export class MockServer {
  constructor(options?: MockOptions);
  listen(port?: number): Promise<string>;
  close(): Promise<void>;
  control(order: { action: string; detail?: string }): { done: boolean };
}
