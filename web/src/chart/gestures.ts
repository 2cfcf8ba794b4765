// Mouse, wheel and fingers on the plot: drag pans, wheel and pinch zoom, double click returns to live.

export interface GestureTarget {
  /** Moves the view by a share of its width; positive goes back in time. */
  panBy: (share: number) => void;
  /** Zooms around a place, given as a share of the width from the left. */
  zoomBy: (factor: number, atShare: number) => void;
  live: () => void;
}

const WHEEL_ZOOM = 0.0018;
const LINE_PX = 16;

export function attachGestures(area: HTMLElement, target: GestureTarget): void {
  attachWheel(area, target);
  attachPointers(area, target);
  area.addEventListener('dblclick', () => target.live());
}

const shareAt = (area: HTMLElement, clientX: number): number => {
  const box = area.getBoundingClientRect();
  return box.width === 0 ? 0.5 : (clientX - box.left) / box.width;
};

function attachWheel(area: HTMLElement, target: GestureTarget): void {
  area.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
      const sideways = event.shiftKey ? event.deltaY + event.deltaX : event.deltaX;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        target.panBy((-sideways * unit) / Math.max(1, area.clientWidth));
      } else {
        const limited = Math.max(-240, Math.min(240, event.deltaY * unit));
        target.zoomBy(Math.exp(limited * WHEEL_ZOOM), shareAt(area, event.clientX));
      }
    },
    { passive: false },
  );
}

function attachPointers(area: HTMLElement, target: GestureTarget): void {
  const fingers = new Map<number, number>();
  const spread = (): { centre: number; width: number } => {
    const xs = [...fingers.values()];
    const [low, high] = [Math.min(...xs), Math.max(...xs)];
    return { centre: (low + high) / 2, width: Math.max(24, high - low) };
  };
  area.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    fingers.set(event.pointerId, event.clientX);
    area.setPointerCapture(event.pointerId);
    area.classList.add('dragging');
  });
  area.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = spread();
    fingers.set(event.pointerId, event.clientX);
    const after = spread();
    target.panBy((after.centre - before.centre) / Math.max(1, area.clientWidth));
    if (fingers.size > 1) target.zoomBy(before.width / after.width, shareAt(area, after.centre));
  });
  const release = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    if (fingers.size === 0) area.classList.remove('dragging');
  };
  area.addEventListener('pointerup', release);
  area.addEventListener('pointercancel', release);
}
