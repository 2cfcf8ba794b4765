// What the states mean, in the words a reader needs. One place, so that badge, legend and tooltip agree.

import type { FeedState, Status } from '../contract';

export const STATUS_MEANING: Record<Status, string> = {
  complete: 'the feed was provably live for the whole window',
  provisional: 'the feed has not been heard from since; it may yet be complete',
  warming: 'the window reaches back to before the first observation',
  stale: 'the venue answers, but has sent no trade for a while',
  gap: 'the feed was interrupted within this window; trades are missing',
};

export const FEED_MEANING: Record<FeedState, string> = {
  connecting: 'connecting to the venue',
  live: 'trades are coming in',
  stale: 'connected, but nothing was heard for a while',
  disconnected: 'no connection to the venue; trades are being missed',
  refused: 'the venue refused the connection',
  ended: 'the feed has ended',
};

export const CAUSE_MEANING: Record<string, string> = {
  disconnected: 'the connection to the venue was lost',
  silent: 'the connection was open but dead',
  stopped: 'stock-up was not running',
  overload: 'what came in could not be stored',
  bad_frames: 'what the venue sent could not be read',
};
