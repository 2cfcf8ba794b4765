// Requests to the server: one function per endpoint of docs/http.md, one error type.

import type { ErrorAnswer, Gap, SeriesAnswer, Settings, SettingsAnswer, SymbolsAnswer } from '../contract';

const TIMEOUT_MS = 15_000;

/** What the server (or the network) answered instead of data. `status` is 0 when there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
    this.name = 'ApiError';
  }
}

export interface SeriesQuery {
  symbol: string;
  window: string;
  fromMs?: number;
  /** Left out: up to the log's time. */
  toMs?: number;
  step?: string;
}

export const getSymbols = (): Promise<SymbolsAnswer> => request('api/v1/symbols');
export const getSettings = (): Promise<SettingsAnswer> => request('api/v1/settings');

export async function getGaps(fromMs: number, toMs?: number): Promise<Gap[]> {
  const answer = await request<{ gaps: Gap[] }>(`api/v1/gaps?${query({ from: ns(fromMs), to: ns(toMs) })}`);
  return answer.gaps;
}

export function getSeries(wanted: SeriesQuery, signal?: AbortSignal): Promise<SeriesAnswer> {
  const { symbol, window, fromMs, toMs, step } = wanted;
  const text = query({ symbol, window, from: ns(fromMs), to: ns(toMs), step });
  return request(`api/v1/series?${text}`, signal === undefined ? {} : { signal });
}

export function putSettings(revision: number, settings: Settings): Promise<SettingsAnswer> {
  return request('api/v1/settings', change('PUT', { revision, settings }));
}

export async function postSession(token: string): Promise<void> {
  await send('api/v1/session', change('POST', { token }));
}

export function liveUrl(window: string | null): string {
  return `api/v1/live?${query({ window: window ?? undefined })}`;
}

function change(method: string, body: unknown): RequestInit {
  const headers = { 'content-type': 'application/json', 'x-stock-up': '1' };
  return { method, headers, body: JSON.stringify(body) };
}

function query(fields: Record<string, string | undefined>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) params.set(name, value);
  return params.toString();
}

/** Nanoseconds do not fit a JSON number exactly, so they go through a big integer. */
function ns(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(BigInt(Math.max(0, Math.round(ms))) * 1_000_000n);
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(path, init);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(response.status, 'bad_answer', `the server's answer to ${path} is no JSON`);
  }
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal, credentials: 'same-origin', cache: 'no-store' });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, 'unreachable', 'the server does not answer; is stock-up running?');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  const fallback = `the server answered ${response.status} ${response.statusText}`;
  try {
    const body = (await response.json()) as Partial<ErrorAnswer>;
    return new ApiError(response.status, body.error ?? 'error', body.detail ?? fallback);
  } catch {
    return new ApiError(response.status, 'error', fallback);
  }
}
