// Changing settings: the whole object with its revision, read again and tried once more
// when somebody else was faster (409).

import type { Settings, SettingsAnswer } from '../contract';
import { ApiError, getSettings, putSettings } from './api';
import type { Market } from './market';

export async function changeSettings(market: Market, edit: (settings: Settings) => Settings): Promise<SettingsAnswer> {
  const current = market.settings ?? (await getSettings());
  try {
    return await change(market, current, edit);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    return change(market, await getSettings(), edit);
  }
}

async function change(
  market: Market,
  before: SettingsAnswer,
  edit: (settings: Settings) => Settings,
): Promise<SettingsAnswer> {
  const answer = await putSettings(before.revision, edit(before.settings));
  // An answer may arrive after the event that announced a later revision; the newer one stays.
  if (market.settings === null || answer.revision >= market.settings.revision) market.takeSettings(answer);
  market.takeWish(before.settings, answer.settings);
  return answer;
}

export function follow(market: Market, symbols: readonly string[], at?: number): Promise<SettingsAnswer> {
  return changeSettings(market, (settings) => {
    const kept = settings.subscriptions.filter((symbol) => !symbols.includes(symbol));
    const place = at ?? kept.length;
    return { ...settings, subscriptions: [...kept.slice(0, place), ...symbols, ...kept.slice(place)] };
  });
}

export function unfollow(market: Market, symbol: string): Promise<SettingsAnswer> {
  return changeSettings(market, (settings) => ({
    ...settings,
    subscriptions: settings.subscriptions.filter((other) => other !== symbol),
  }));
}

/**
 * What was typed as the symbols it means: tickers apart by blanks or commas, in capitals when all are small;
 * anything with other characters in it is taken as one name, as typed.
 */
export function typedSymbols(text: string): string[] {
  const trimmed = text.trim();
  if (!/^[\w.,:\s/^=-]+$/.test(trimmed)) return trimmed === '' ? [] : [trimmed];
  const cased = trimmed === trimmed.toLowerCase() ? trimmed.toUpperCase() : trimmed;
  return [...new Set(cased.split(/[\s,]+/).filter((word) => word !== ''))];
}
