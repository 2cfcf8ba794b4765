// What is painted, read from the chart's canvas. These functions run in the page, in the dark theme.

/** Counts pixels in the price line's colour inside and outside the newest gap. Runs in the page. */
export async function lineInGap(): Promise<{ inside: number; outside: number; gapWidth: number }> {
  const { gaps } = (await (await fetch('api/v1/gaps')).json()) as { gaps: { from_ns: number; to_ns: number | null }[] };
  const gap = gaps[gaps.length - 1];
  const chart = (globalThis as unknown as { stockUp: { chart: { fromMs: number; toMs: number } } }).stockUp.chart;
  const canvas = document.querySelector<HTMLCanvasElement>('.plot canvas');
  const over = document.querySelector<HTMLElement>('.u-over');
  // A copy: reading from the plot's own canvas makes the browser warn.
  const context = new OffscreenCanvas(canvas?.width ?? 1, canvas?.height ?? 1).getContext('2d');
  if (canvas !== null) context?.drawImage(canvas, 0, 0);
  if (gap === undefined || gap.to_ns === null || over === null || canvas === null || context == null)
    throw new Error('no gap, no plot');
  const { fromMs, toMs } = chart;
  const left = over.offsetLeft * devicePixelRatio;
  const width = over.offsetWidth * devicePixelRatio;
  const x = (ns: number): number => left + ((ns / 1e6 - fromMs) / (toMs - fromMs)) * width;
  const [from, to] = [x(gap.from_ns) + 3, x(gap.to_ns) - 3];
  const height = over.offsetHeight * devicePixelRatio;
  const { data } = context.getImageData(
    0,
    over.offsetTop * devicePixelRatio,
    Math.round(left + width),
    Math.round(height),
  );
  const row = Math.round(left + width);
  let [inside, outside] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const near =
      Math.abs((data[i] ?? 0) - 88) + Math.abs((data[i + 1] ?? 0) - 166) + Math.abs((data[i + 2] ?? 0) - 255) < 24;
    const at = (i / 4) % row;
    if (near && at >= from && at <= to) inside += 1;
    else if (near) outside += 1;
  }
  return { inside, outside, gapWidth: to - from };
}

/** Counts the hard edges of gaps: columns of the canvas that are the gap's colour from top to bottom. */
export function gapEdges(): number {
  const canvas = document.querySelector<HTMLCanvasElement>('.plot canvas');
  const over = document.querySelector<HTMLElement>('.u-over');
  // A copy: reading from the plot's own canvas makes the browser warn.
  const context = new OffscreenCanvas(canvas?.width ?? 1, canvas?.height ?? 1).getContext('2d');
  if (canvas !== null) context?.drawImage(canvas, 0, 0);
  if (over === null || canvas === null || context == null) throw new Error('no plot');
  const height = Math.round(over.offsetHeight * devicePixelRatio);
  const { data } = context.getImageData(0, over.offsetTop * devicePixelRatio, canvas.width, height);
  let edges = 0;
  for (let x = 0; x < canvas.width; x += 1) {
    let coloured = 0;
    for (let y = 0; y < height; y += 1) {
      const i = (y * canvas.width + x) * 4;
      const [red, green, blue] = [data[i] ?? 0, data[i + 1] ?? 0, data[i + 2] ?? 0];
      if (Math.abs(red - 255) + Math.abs(green - 122) + Math.abs(blue - 112) < 40) coloured += 1;
    }
    if (coloured > height * 0.8) edges += 1;
  }
  return edges;
}
