// The interval of time a chart shows, and how panning, zooming and following change it. All pure.

export interface View {
  fromMs: number;
  toMs: number;
  /** Whether the right edge keeps to the log's time. */
  follow: boolean;
}

/** Room kept right of the newest point, as a share of the span. */
export const EDGE_SHARE = 0.03;
const SPAN_MIN_MS = 5_000;
const SPAN_MAX_MS = 20 * 365 * 86_400_000;

export const spanOf = (view: View): number => view.toMs - view.fromMs;

export function following(spanMs: number, nowMs: number): View {
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, spanMs));
  const toMs = nowMs + span * EDGE_SHARE;
  return { fromMs: toMs - span, toMs, follow: true };
}

/** The view a moment later: it moves only when it follows. */
export function advance(view: View, nowMs: number): View {
  return view.follow ? following(spanOf(view), nowMs) : view;
}

/** Moves by `byMs`; reaching the live edge starts following, leaving it stops. */
export function pan(view: View, byMs: number, nowMs: number): View {
  const span = spanOf(view);
  const toMs = view.toMs + byMs;
  if (toMs >= nowMs + span * EDGE_SHARE) return following(span, nowMs);
  return { fromMs: toMs - span, toMs, follow: false };
}

/** Zooms by `factor` (below 1: closer) around `aroundMs`; a following view stays at its edge. */
export function zoom(view: View, factor: number, aroundMs: number, nowMs: number): View {
  const span = Math.min(SPAN_MAX_MS, Math.max(SPAN_MIN_MS, spanOf(view) * factor));
  if (view.follow) return following(span, nowMs);
  const share = (aroundMs - view.fromMs) / spanOf(view);
  const fromMs = aroundMs - span * share;
  return pan({ fromMs, toMs: fromMs + span, follow: false }, 0, nowMs);
}

const LADDER_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400].map(
  (seconds) => seconds * 1_000,
);

/** The finest step on the ladder that shows `spanMs` in at most `pointsMax` points: a multiple of the grid. */
export function stepFor(spanMs: number, gridMs: number, pointsMax: number): number {
  const atLeast = spanMs / pointsMax;
  if (atLeast <= gridMs) return gridMs;
  for (const step of LADDER_MS) {
    if (step >= atLeast && step > gridMs && step % gridMs === 0) return step;
  }
  return Math.ceil(atLeast / gridMs) * gridMs;
}
