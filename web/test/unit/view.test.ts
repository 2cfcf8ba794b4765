// Panning, zooming, following; and the step that fits a span.
import { expect, test } from 'vitest';
import { advance, following, pan, spanOf, stepFor, zoom } from '../../src/pure/view';

const NOW = 1_000_000_000;
const SPAN = 900_000;

test('a following view keeps its span and its edge', () => {
  const later = advance(following(SPAN, NOW), NOW + 5_000);
  expect(later.toMs - following(SPAN, NOW).toMs).toBe(5_000);
  expect(spanOf(later)).toBe(SPAN);
});

test('panning back stops following, panning to the edge starts it', () => {
  const back = pan(following(SPAN, NOW), -300_000, NOW);
  expect(back.follow).toBe(false);
  expect(advance(back, NOW + 5_000)).toEqual(back);
  expect(pan(back, 400_000, NOW)).toEqual(following(SPAN, NOW));
});

test('zooming keeps the place under the cursor', () => {
  const view = pan(following(SPAN, NOW), -3_600_000, NOW);
  const around = view.fromMs + SPAN / 4;
  const closer = zoom(view, 0.5, around, NOW);
  expect(spanOf(closer)).toBe(SPAN / 2);
  expect((around - closer.fromMs) / spanOf(closer)).toBeCloseTo(0.25);
});

test('zooming while following stays at the edge', () =>
  expect(zoom(following(SPAN, NOW), 2, NOW - SPAN, NOW)).toEqual(following(2 * SPAN, NOW)));
test('a span has bounds', () => expect(spanOf(zoom(following(SPAN, NOW), 1e-9, NOW, NOW))).toBe(5_000));

test.each([
  [900_000, 1_000, 1_000, 1_000],
  [3_600_000, 1_000, 1_000, 5_000],
  [86_400_000, 1_000, 1_500, 60_000],
  [86_400_000, 7_000, 1_500, 63_000],
  [900_000, 250, 1_000, 1_000],
  [30 * 86_400_000, 1_000, 1_000, 3_600_000],
])('stepFor(%i, grid %i, %i points)', (spanMs, gridMs, points, expected) => {
  const step = stepFor(spanMs, gridMs, points);
  expect(step).toBe(expected);
  expect(step % gridMs).toBe(0);
  expect(spanMs / step).toBeLessThanOrEqual(points);
});
